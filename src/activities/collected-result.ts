import type { Database } from "../database/client.ts";
import type { FinishedJob, SubmittedJob } from "./textract-steps.ts";

/**
 * The end of a job whose result was collected before, out of the ledger: Textract need not be asked again, and may have
 * forgotten the job by now.
 * @returns null when something of the result is not stored any more, or never was
 */
export async function collectedResult(
  database: Pick<Database, "textractJob" | "page">,
  documentId: string,
  job: SubmittedJob,
): Promise<FinishedJob | null> {
  const row = await database.textractJob.findUnique({ where: { id: job.ledgerId } });
  if (row === null || row.storedPages === null) return null;
  const status =
    row.state === "succeeded" ? "SUCCEEDED" : row.state === "partial_success" ? "PARTIAL_SUCCESS" : undefined;
  if (status === undefined) return null;
  const stored = await database.page.count({ where: { documentId, writtenBy: job.jobId } });
  if (stored !== row.storedPages) return null;
  return {
    status,
    pages: row.pages ?? 0,
    failedPages: (row.failedPages ?? []) as unknown as FinishedJob["failedPages"],
  };
}
