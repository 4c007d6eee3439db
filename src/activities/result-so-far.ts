import type { Executor } from "../database/client.ts";
import type { FinishedJob, SubmittedJob } from "./textract-steps.ts";

/** What is known of a job's result before Textract is asked for it. */
export interface ResultSoFar {
  /**
   * The end of the job, out of the ledger, where its result was collected before: Textract need not be asked again, and
   * may have forgotten the job by now. Null when something of the result is not stored any more, or never was.
   */
  collected: FinishedJob | null;
  /** Whether the run owns the document, which has not ended. */
  owned: boolean;
}

interface Row {
  state: string | null;
  pages: number | null;
  failedPages: FinishedJob["failedPages"] | null;
  whole: boolean | null;
  owned: boolean;
}

/** What the ledger and the stored pages tell of a job's result. */
export async function resultSoFar(
  executor: Executor,
  { documentId, runId, job }: { documentId: string; runId: string; job: SubmittedJob },
): Promise<ResultSoFar> {
  const [row] = await executor.$queryRaw<Row[]>`
    SELECT j.state::text, j.pages, j.failed_pages AS "failedPages",
           j.stored_pages = (SELECT count(*) FROM pages p
                             WHERE p.document_id = ${documentId}::uuid AND p.written_by = ${job.jobId}) AS whole,
           d.run_id = ${runId} AND d.status = 'processing' AS owned
    FROM documents d LEFT JOIN textract_jobs j ON j.id = ${job.ledgerId}::uuid WHERE d.id = ${documentId}::uuid`;
  const status =
    row?.state === "succeeded" ? "SUCCEEDED" : row?.state === "partial_success" ? "PARTIAL_SUCCESS" : undefined;
  const owned = row?.owned ?? false;
  if (row === undefined || status === undefined || !row.whole) return { collected: null, owned };
  return { collected: { status, pages: row.pages ?? 0, failedPages: row.failedPages ?? [] }, owned };
}
