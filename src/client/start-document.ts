import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import { documentWorkflowId } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import { type ProcessDocumentInput, processDocumentType, taskQueues } from "../contract/process-document.ts";
import { attributesAtStart } from "../contract/search-attributes.ts";
import type { Services } from "./connect.ts";
import { temporalRefusal } from "./temporal-refusal.ts";

/** Longest wait for the server's answer to one start. */
const answerMilliseconds = 10_000;

/** Input with everything that the client knows filled in. */
export type CompleteInput = ProcessDocumentInput &
  Required<Pick<ProcessDocumentInput, "documentId" | "project" | "engine" | "fileName">>;

/** A run that was started, or was open already. */
export interface StartedRun {
  runId: string;
  /** It was open already: it may be reading something else than what was asked for now. */
  joined: boolean;
}

/**
 * Starts the document's workflow, or joins the run that is under way.
 * @param again starts a new run also where an earlier one completed
 * @returns the run; null when an earlier run completed and `again` is false
 */
export async function startDocument(
  services: Services,
  input: CompleteInput,
  again: boolean,
): Promise<StartedRun | null> {
  try {
    return await start(services, input, again, "FAIL");
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw startFailure(error, input.fileName);
  }
  try {
    return await start(services, input, again, "USE_EXISTING");
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw startFailure(error, input.fileName);
  }
}

async function start(
  { temporal }: Services,
  input: CompleteInput,
  again: boolean,
  conflict: "FAIL" | "USE_EXISTING",
): Promise<StartedRun> {
  // Starting twice joins the first, so a server that does not answer need not be waited for in silence.
  const handle = await temporal.withDeadline(Date.now() + answerMilliseconds, () =>
    temporal.workflow.start(processDocumentType, {
      workflowId: documentWorkflowId(input.documentId),
      taskQueue: taskQueues.documents,
      args: [input],
      workflowIdReusePolicy: again ? "ALLOW_DUPLICATE" : "ALLOW_DUPLICATE_FAILED_ONLY",
      workflowIdConflictPolicy: conflict,
      staticSummary: summaryOf(input),
      staticDetails: detailsOf(input),
      priority: {
        fairnessKey: input.project,
        ...(input.priority === undefined ? {} : { priorityKey: input.priority }),
      },
      typedSearchAttributes: attributesAtStart(input),
    }),
  );
  return { runId: handle.firstExecutionRunId, joined: conflict === "USE_EXISTING" };
}

function summaryOf(input: CompleteInput): string {
  // The server takes 200 bytes; a name may hold up to four bytes a character.
  return Array.from(input.fileName).slice(0, 48).join("");
}

function detailsOf(input: CompleteInput): string {
  const { bucket, key } = input.document;
  const code = (text: string) => `\`${text.replaceAll("`", "'")}\``;
  return [
    `- project: ${code(input.project)}`,
    `- engine: ${code([input.engine, ...(input.features ?? [])].join(", "))}`,
    `- object: ${code(`s3://${bucket}/${key}`)}`,
    `- from: ${code(input.source ?? "")}`,
  ].join("\n");
}

function startFailure(error: unknown, fileName: string): unknown {
  // The SDK wraps gRPC's own error, whose `details` is the server's sentence.
  const { cause, message } = error as { cause?: { code?: number; details?: string }; message: string };
  const details = cause?.details ?? message;
  const refusal = temporalRefusal(error);
  if (refusal !== null) {
    const { type, remedy } = refusal;
    return new DocketError(type, `${fileName} could not be started: ${refusal.message}`, { remedy, cause: error });
  }
  if (/search attribute/i.test(details)) {
    return new DocketError("InvalidInput", `${fileName} could not be started: ${details}`, {
      remedy:
        "`docket setup` registers Docket's search attributes in the namespace; `docket doctor` tells what is missing.",
      cause: error,
    });
  }
  if (/namespace/i.test(details)) {
    return new DocketError("InvalidInput", `${fileName} could not be started: ${details}`, {
      remedy: "Correct TEMPORAL_NAMESPACE; `docket setup` makes one that does not exist.",
      cause: error,
    });
  }
  return new DocketError("TemporalUnavailable", `${fileName} could not be started: ${details}`, { cause: error });
}
