import { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowFailedError } from "@temporalio/client";
import { type Failure, failureTable, isFailureType } from "../contract/failures.ts";
import type { ProcessDocumentResult } from "../contract/process-document.ts";
import type { Services } from "./connect.ts";
import { type DocumentRecord, readDocuments, readEngine } from "./read-documents.ts";

/** How a document ended. */
export interface DocumentOutcome {
  documentId: string | null;
  status: "complete" | "incomplete" | "failed" | "cancelled";
  /** Pages that the document has; null where that never became known. */
  pages: number | null;
  storedPages: number;
  characters: number;
  /** 0-100; null without words. */
  meanConfidence: number | null;
  /** Who read the pages; who was to read them where nobody did. */
  engine: string;
  /** Paid jobs over the document's life. */
  textractJobs: number;
  /** US dollars over the document's life. */
  costUsd: number;
  failure: Failure | null;
  /** From the start of the last run to its end; null where it never began. */
  milliseconds: number | null;
}

/** The outcome of a document whose row is final. */
export async function outcomeOf(services: Services, record: DocumentRecord): Promise<DocumentOutcome> {
  const { startedAt, finishedAt } = record;
  return {
    documentId: record.documentId,
    status: record.status === "processing" || record.status === "received" ? "failed" : record.status,
    pages: record.pages,
    storedPages: record.storedPages ?? 0,
    characters: record.characters ?? 0,
    meanConfidence: record.meanConfidence,
    engine: (await readEngine(services.database, record.documentId)) ?? record.engine,
    textractJobs: record.textractJobs,
    costUsd: record.costUsd,
    failure: record.failure,
    milliseconds: startedAt && finishedAt ? finishedAt.getTime() - startedAt.getTime() : null,
  };
}

/** The outcome of a document that failed before the database knew of it, or without its workflow writing so. */
export function outcomeOfFailure(
  failure: Failure,
  known: Pick<DocumentOutcome, "documentId" | "engine"> & { record?: DocumentRecord | undefined },
): DocumentOutcome {
  const { documentId, engine, record } = known;
  return {
    documentId,
    status: failure.type === "Cancelled" ? "cancelled" : failure.missingPages?.length ? "incomplete" : "failed",
    pages: record?.pages ?? null,
    storedPages: record?.storedPages ?? 0,
    characters: record?.characters ?? 0,
    meanConfidence: record?.meanConfidence ?? null,
    engine,
    textractJobs: record?.textractJobs ?? 0,
    costUsd: record?.costUsd ?? 0,
    failure,
    milliseconds: null,
  };
}

/** The outcome of a run that is closed: from the database where that is final too, from the workflow otherwise. */
export async function outcomeOfClosed(
  services: Services,
  { documentId, engine, ...run }: ClosedRun & { documentId: string; engine: string },
): Promise<DocumentOutcome> {
  const failure = await failureOfClosed(services, run);
  const [record] = await readDocuments(services.database, [documentId]);
  if (record !== undefined && isOutcomeOf(record, run, failure)) return outcomeOf(services, record);
  const missing: Failure = {
    type: "RecordMissing",
    message: `The workflow of document ${documentId} completed, but this database holds no result of it.`,
    remedy: "Look whether DATABASE_URL is the workers' database, then submit the document with --force.",
  };
  return outcomeOfFailure(failure ?? missing, { documentId, engine, record });
}

/**
 * The outcome of a run that is closed, of a document that another run has taken over since: the row is that one's, so
 * that only the workflow tells how this one ended.
 */
export async function outcomeOfOvertaken(
  services: Services,
  {
    documentId,
    engine,
    milliseconds,
    ...run
  }: ClosedRun & Pick<DocumentOutcome, "engine" | "milliseconds"> & { documentId: string },
): Promise<DocumentOutcome> {
  const end = await endOfClosed<ProcessDocumentResult>(services, run, "document");
  if (end.failure !== null) return { ...outcomeOfFailure(end.failure, { documentId, engine }), milliseconds };
  const { project: _, reused: __, ...outcome } = end.result;
  return { ...outcome, failure: null, milliseconds };
}

/** A run that is known to have ended. */
interface ClosedRun {
  workflowId: string;
  runId: string;
}

/** A run that completed may have found what an earlier one had read; one that failed tells its own failure only. */
function isOutcomeOf({ status, runId }: DocumentRecord, run: ClosedRun, failure: Failure | null): boolean {
  if (failure === null) return status === "complete";
  return runId === run.runId && ["incomplete", "failed", "cancelled"].includes(status);
}

const answerMilliseconds = 10_000;

/**
 * The failure that a run ended with; null when it completed. Of this very run: a later one, which somebody may have
 * started meanwhile, is not waited for.
 * @param what the messages name the workflow by
 */
export async function failureOfClosed(
  services: Pick<Services, "temporal">,
  run: ClosedRun,
  what: "document" | "batch" = "document",
): Promise<Failure | null> {
  return (await endOfClosed(services, run, what)).failure;
}

async function endOfClosed<Result>(
  { temporal }: Pick<Services, "temporal">,
  { workflowId, runId }: ClosedRun,
  what: "document" | "batch",
): Promise<{ result: Result; failure: null } | { failure: Failure }> {
  const handle = temporal.workflow.getHandle(workflowId, runId, { followRuns: false });
  try {
    const result = await temporal.withDeadline(Date.now() + answerMilliseconds, () => handle.result());
    return { result: result as Result, failure: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { failure: toFailure(error, what) };
  }
}

function toFailure(error: WorkflowFailedError, what: string): Failure {
  const causes = [...causesOf(error)];
  const application = causes.find((cause) => cause instanceof ApplicationFailure);
  if (application !== undefined) {
    const detail = application.details?.[0] as Partial<Failure> | undefined;
    const type = isFailureType(application.type) ? application.type : "Internal";
    return {
      type,
      message: detail?.message ?? application.message,
      remedy: detail?.remedy ?? failureTable[type].remedy,
      ...(detail?.missingPages === undefined ? {} : { missingPages: detail.missingPages }),
    };
  }
  if (causes.some((cause) => cause instanceof CancelledFailure)) {
    return { type: "Cancelled", message: `The ${what} was cancelled.`, remedy: failureTable.Cancelled.remedy };
  }
  const how = causes.some((cause) => cause instanceof TerminatedFailure) ? "terminated" : "ended by the server";
  return {
    type: "Internal",
    message: `The ${what}'s workflow was ${how}: ${error.cause?.message ?? error.message}`,
    remedy: `Submit the ${what} again to go on.`,
  };
}

function* causesOf(error: Error): Generator<Error> {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) yield cause;
}
