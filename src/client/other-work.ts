import type { Client } from "@temporalio/client";
import { decodeFromPayloadsAtIndex } from "@temporalio/common/lib/internal-non-workflow/index.js";
import { documentWorkflowId } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import { type ValidInput, validateInput } from "../contract/valid-input.ts";
import type { CompleteInput } from "./start-document.ts";

const answerMilliseconds = 10_000;

/**
 * What a run of the document reads, in words, where it is something else than what is asked for now: another engine,
 * other features or questions, or no new attempt where one is asked for. Null where it is the same.
 */
export async function otherWorkOf(temporal: Client, input: CompleteInput, runId: string): Promise<string | null> {
  const under = validOrNull(await readInput(temporal, documentWorkflowId(input.documentId), runId));
  if (under === null) return "an input that is not valid";
  const asked = validateInput(input);
  if (workOf(under) !== workOf(asked)) return workOf(under);
  return asked.force && !under.force ? `${workOf(under)}, no new attempt` : null;
}

/**
 * For those who do not wait for another run's end.
 * @param name what messages name the document by
 * @throws {DocketError} `DocumentUnderWay` where the run reads something else than what was asked for
 */
export function requireOwnWork<Handed extends { documentId: string; otherWork?: string | undefined }>(
  name: string,
  handedIn: Handed,
): Handed {
  const { documentId, otherWork } = handedIn;
  if (otherWork === undefined) return handedIn;
  const message = `${name} is under way for something else (${otherWork}), as document ${documentId}; nothing was started.`;
  throw new DocketError("DocumentUnderWay", message);
}

function workOf({ engine, features }: ValidInput): string {
  return [engine, ...features].join(", ");
}

function validOrNull(input: unknown): ValidInput | null {
  try {
    return validateInput(input);
  } catch (error) {
    if (error instanceof DocketError) return null;
    throw error;
  }
}

/** What a run was started with: the first event of its history. */
async function readInput(temporal: Client, workflowId: string, runId: string): Promise<unknown> {
  const { namespace, loadedDataConverter } = temporal.options;
  const execution = { workflowId, runId };
  const { history } = await temporal.withDeadline(Date.now() + answerMilliseconds, () =>
    temporal.workflowService.getWorkflowExecutionHistory({ namespace, execution, maximumPageSize: 1 }),
  );
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  return payloads?.length ? decodeFromPayloadsAtIndex(loadedDataConverter, 0, payloads) : null;
}
