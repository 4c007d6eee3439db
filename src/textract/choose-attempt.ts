/** The part of a ledger row that decides whether a new attempt is paid. */
export interface LedgerRow {
  attempt: number;
  state: "intended" | "submitted" | "refused" | "succeeded" | "partial_success" | "failed" | "expired";
  /** Identifies the bytes that were paid for. */
  content: string;
  /** The run that meant it; where that was made by a reset, the first run. */
  runId: string;
  /** The document's pages that the job reads; empty: all. */
  pageNumbers: readonly number[];
  /** What Textract said when it refused or failed; of an attempt that is intended: whoever asked was denied. */
  statusMessage: string | null;
  /** Pages stored when the result was collected to its end; null before. */
  storedPages: number | null;
}

/** Pages of a document that are read as a small document of their own. */
export interface DocumentPart {
  /** Numbers of the document's pages, in the order of the small document's. */
  pages: number[];
  /** The attempt that read the whole document; what was read before it does not count. */
  since: number;
}

/** Either the row whose job goes on, or the number of a new paid attempt. */
export type AttemptChoice<Row extends LedgerRow> = { reuse: Row } | { newAttempt: number };

/**
 * Decides whether work that is already paid goes on or a new attempt is meant. A run never pays twice: whatever its
 * last row says, a second call of the same run goes on with that row, unless Textract no longer knows the job. Nor does
 * a reset of it: only what cost nothing, a job that failed or was refused, is tried anew.
 * An attempt whose Start was denied may be running all the same, by an earlier Start that was not answered: the next run
 * asks again with its token, and only a caller who forces it gives it up.
 * @param rows the ledger's rows for one document and set of features
 * @param request.firstRunId the run that resets began from; `runId` where there was none
 * @param request.force the caller asked for a new attempt although an earlier one ended well
 * @param request.part the pages that are still missing; left out for the whole document
 */
export function chooseAttempt<Row extends LedgerRow>(
  rows: readonly Row[],
  request: { runId: string; firstRunId: string; force: boolean; content: string; part?: DocumentPart | undefined },
): AttemptChoice<Row> {
  const { part } = request;
  const pages = part?.pages.join() ?? "";
  const same = rows.filter((row) => row.pageNumbers.join() === pages && row.attempt > (part?.since ?? 0));
  const last = same.reduce<Row | undefined>((a, b) => (a === undefined || b.attempt > a.attempt ? b : a), undefined);
  const newAttempt = Math.max(0, ...rows.map((row) => row.attempt)) + 1;
  // What was paid for other bytes says nothing about these.
  if (last === undefined || last.content !== request.content || last.state === "expired") return { newAttempt };
  const unsettled = last.state === "intended" || last.state === "submitted";
  const denied = last.state === "intended" && last.statusMessage !== null;
  const givenUp = denied && request.force && last.runId !== request.firstRunId;
  if (givenUp) return { newAttempt };
  if (unsettled || last.runId === request.runId) return { reuse: last };
  if (last.state === "failed" || last.state === "refused") return { newAttempt };
  if (same.some(({ runId }) => runId === request.firstRunId)) return { reuse: last };
  if (request.force) return { newAttempt };
  // Pages that are still missing after all that an earlier run paid for: asking again means a new attempt.
  if (part !== undefined && last.storedPages !== null) return { newAttempt };
  return { reuse: last };
}
