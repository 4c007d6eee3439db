import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TimeoutFailure,
  workflowInfo,
} from "@temporalio/workflow";
import { type Failure, failureTable, isFailureType, type MissingPage } from "../contract/failures.ts";
import type { ProcessDocumentInput } from "../contract/process-document.ts";

/** The typed failure inside whatever ended a step. */
export function failureOf(error: unknown): Failure {
  if (isCancellation(error)) return failure("Cancelled", "The document was cancelled on request.");
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isFailureType(cause.type)) {
    const detail = cause.details?.[0] as Failure | undefined;
    return detail ?? failure(cause.type, cause.message);
  }
  const step = error instanceof ActivityFailure ? `The step ${error.activityType}` : "A step";
  if (cause instanceof TimeoutFailure) {
    // Temporal keeps the last failure of the attempts as the time-out's cause.
    const last = cause.cause instanceof ApplicationFailure ? cause.cause : undefined;
    const type = last !== undefined && isFailureType(last.type) ? last.type : "Internal";
    return failure(type, `${step} did not end in time (${cause.timeoutType}): ${last?.message ?? "no answer"}`);
  }
  return failure("Internal", `${step} ended unexpectedly: ${cause instanceof Error ? cause.message : String(cause)}`);
}

/**
 * A defect that kept a document from having a record says where it is told instead: nothing else will.
 * @param input as the caller sent it, which may be nothing at all
 */
export function withoutRecord(failure: Failure, input: ProcessDocumentInput | null | undefined): Failure {
  if (failure.type !== "Internal") return failure;
  const document = input?.document ?? null;
  const name = document === null ? "The document" : `s3://${document.bucket}/${document.key}`;
  const where = `${name} has no record; the workflow ${workflowInfo().workflowId} is all that tells of it.`;
  return { ...failure, message: `${failure.message} (${where})` };
}

/** How the workflow ends, so that any client reads type, message and remedy from its failure. */
export function toWorkflowFailure(failure: Failure, documentId: string | null): ApplicationFailure {
  return ApplicationFailure.create({
    type: failure.type,
    message: failure.message,
    nonRetryable: true,
    details: [{ ...failure, documentId }],
  });
}

/**
 * How a document ends of which pages are missing after the second try: not as complete, so that no program takes part of
 * a text for all of it.
 * @param secondTry how the second try failed as a whole; null where it ran and left these pages
 */
export function incomplete(
  documentId: string,
  expectedPages: number,
  missing: readonly MissingPage[],
  secondTry: Failure | null,
): ApplicationFailure {
  const type = missing.some(({ warning }) => warning !== null) ? "PagesFailed" : "PagesMissing";
  const named = missing
    .slice(0, 20)
    .map(({ page, warning }) => (warning === null ? `${page}` : `${page} (${warning})`));
  const more = missing.length > named.length ? ` and ${missing.length - named.length} more` : "";
  const count = `${missing.length} of ${expectedPages} pages of document ${documentId} could not be read`;
  const again =
    secondTry === null ? "also when tried again on their own" : `and trying them again failed: ${secondTry.message}`;
  const message = `${count}, ${again}: ${named.join(", ")}${more}.`;
  const detail = { ...failure(type, message), missingPages: [...missing] };
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [detail] });
}

/** How a document ends of which Textract read some pages, and the local engine failed as a whole: with the list that is known. */
export function neitherRead(byTextract: Failure, locally: string): ApplicationFailure {
  const message = `${byTextract.message} Read locally: ${locally}`;
  const detail = { ...byTextract, message };
  return ApplicationFailure.create({ type: byTextract.type, message, nonRetryable: true, details: [detail] });
}

function failure(type: Failure["type"], message: string): Failure {
  return { type, message, remedy: failureTable[type].remedy };
}
