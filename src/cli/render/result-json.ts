import type { DocumentOutcome } from "../../client/document-outcome.ts";

/** A line of `--json` for one file: the fields of an outcome that are a promise to programs, in their order. */
export function resultJson(file: string, outcome: DocumentOutcome) {
  return {
    file,
    documentId: outcome.documentId,
    status: outcome.status,
    pages: outcome.pages,
    storedPages: outcome.storedPages,
    characters: outcome.characters,
    meanConfidence: outcome.meanConfidence,
    engine: outcome.engine,
    textractJobs: outcome.textractJobs,
    costUsd: outcome.costUsd,
    failure: outcome.failure === null ? null : pickFailure(outcome.failure),
  };
}

function pickFailure({ type, message, remedy, missingPages }: NonNullable<DocumentOutcome["failure"]>) {
  return { type, message, remedy, ...(missingPages === undefined ? {} : { missingPages }) };
}
