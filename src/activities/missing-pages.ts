import { DocketError, type MissingPage } from "../contract/failures.ts";
import type { CollectRequest } from "./textract-steps.ts";

/**
 * The pages that a document lacks after a job, each with Textract's warning. Expected, reported and stored pages must
 * agree; where they contradict each other and yet no page is missing, nobody can say which text is whole.
 * @param stored pages of which this job's text is stored
 * @param unread pages of the whole document of which no text is stored
 * @throws {DocketError} `PagesFailed` or `PagesMissing` for such a contradiction
 */
export function pagesStillMissing(
  { documentId, job, finished, expectedPages, part }: Omit<CollectRequest, "features">,
  stored: number,
  unread: readonly number[],
): MissingPage[] {
  const inDocument = (page: number) => (part === undefined ? page : (part.pages[page - 1] ?? 0));
  const warnings = new Map(finished.failedPages.map(({ page, code }) => [inDocument(page), code]));
  if (unread.length > 0) return unread.map((page) => ({ page, warning: warnings.get(page) || null }));

  const remedy = "Submit the document again with --force: a new attempt reads, and is paid for, all of it.";
  const named = [...warnings.keys()].some((page) => page >= 1 && page <= expectedPages);
  if (finished.status === "PARTIAL_SUCCESS" && !named) {
    const message = `Textract could not read all of document ${documentId} (job ${job.jobId}), and named no page of it.`;
    throw new DocketError("PagesFailed", message, { remedy });
  }
  // Fewer reported than asked for is no contradiction by itself: later jobs may have read the others.
  const asked = part?.pages.length ?? expectedPages;
  if (finished.pages > asked || finished.pages < stored) {
    const counts = `${asked} pages expected, ${finished.pages} reported, ${stored} stored`;
    throw new DocketError("PagesMissing", `Document ${documentId}, job ${job.jobId}: ${counts}.`, { remedy });
  }
  return [];
}
