/** The part of a ledger row that decides whether a new attempt is paid. */
export interface LedgerRow {
  attempt: number;
  state: "intended" | "submitted" | "refused" | "succeeded" | "partial_success" | "failed" | "expired";
  /** Identifies the bytes that were paid for. */
  content: string;
  runId: string;
}

/** Either the row whose job goes on, or the number of a new paid attempt. */
export type AttemptChoice<Row extends LedgerRow> = { reuse: Row } | { newAttempt: number };

/**
 * Decides whether work that is already paid goes on or a new attempt is meant. A run never pays twice: whatever its
 * last row says, a second call of the same run goes on with that row, unless Textract no longer knows the job.
 * @param rows the ledger's rows for one document and set of features
 * @param request.force the caller asked for a new attempt although an earlier one ended well
 */
export function chooseAttempt<Row extends LedgerRow>(
  rows: readonly Row[],
  request: { runId: string; force: boolean; content: string },
): AttemptChoice<Row> {
  const last = rows.reduce<Row | undefined>((a, b) => (a === undefined || b.attempt > a.attempt ? b : a), undefined);
  if (last === undefined) return { newAttempt: 1 };
  // What was paid for other bytes says nothing about these.
  if (last.content !== request.content || last.state === "expired") return { newAttempt: last.attempt + 1 };
  const unsettled = last.state === "intended" || last.state === "submitted";
  if (unsettled || last.runId === request.runId) return { reuse: last };
  if (last.state === "failed" || last.state === "refused" || request.force) return { newAttempt: last.attempt + 1 };
  return { reuse: last };
}
