import type { Executor } from "../database/document-events.ts";
import type { FinishedJob, SubmittedJob } from "./textract-steps.ts";

/**
 * The end of a job whose result was collected before, out of the ledger: Textract need not be asked again, and may have
 * forgotten the job by now.
 * @returns null when something of the result is not stored any more, or never was
 */
export async function collectedResult(
  database: Executor,
  documentId: string,
  job: SubmittedJob,
): Promise<FinishedJob | null> {
  const [row] = await database.$queryRaw<
    { state: string; pages: number | null; failedPages: FinishedJob["failedPages"] | null; whole: boolean | null }[]
  >`
    SELECT j.state::text, j.pages, j.failed_pages AS "failedPages",
           j.stored_pages = (SELECT count(*) FROM pages p
                             WHERE p.document_id = ${documentId}::uuid AND p.written_by = ${job.jobId}) AS whole
    FROM textract_jobs j WHERE j.id = ${job.ledgerId}::uuid`;
  const status =
    row?.state === "succeeded" ? "SUCCEEDED" : row?.state === "partial_success" ? "PARTIAL_SUCCESS" : undefined;
  if (row === undefined || status === undefined || !row.whole) return null;
  return { status, pages: row.pages ?? 0, failedPages: row.failedPages ?? [] };
}
