import type { PageRow } from "../contract/page-row.ts";
import { type Database, type Executor, runStatement } from "./client.ts";
import { superseded } from "./document-owner.ts";

export interface StoredPage {
  row: PageRow;
  /** Key of the raw Textract blocks in which the page begins; null for local pages. */
  rawKey: string | null;
}

/** Who writes pages: a Textract job by its id, or a local recognition by its workflow run. */
export interface PageWriter {
  engine: "textract" | "local";
  writtenBy: string;
  /** The workflow run that must own the document. */
  runId: string;
}

// The columns that differ from page to page, with their types, in the order of a row's values.
const pageTypes = [...["int", "text", "int", "float8", "float8", "float8", "jsonb", "page_source", "text"]] as const;

/**
 * Writes pages, replacing what an earlier attempt wrote under the same numbers, in one statement: a parameter for each
 * value, because a list of rows as JSON is parsed twice by PostgreSQL.
 * @throws {DocketError} `Superseded` when another run owns the document by now: its pages are not to be mixed
 */
export async function storePages(
  database: Database,
  documentId: string,
  writer: PageWriter,
  pages: readonly StoredPage[],
): Promise<void> {
  if (pages.length === 0) return;
  const values: unknown[] = [documentId, writer.runId, writer.engine, writer.writtenBy];
  const rows = pages.map(({ row: page, rawKey }) => {
    const { number, text, characters, confidence, width, height, lines, source } = page;
    const row = [number, text, characters, confidence, width, height, lines, source, rawKey];
    const first = values.push(...row) - row.length + 1;
    return `(${pageTypes.map((type, index) => `$${first + index}::${type}`).join()})`;
  });
  const written = await runStatement(
    database,
    `WITH owned AS (
      SELECT id FROM documents WHERE id = $1::uuid AND run_id = $2 AND status = 'processing' FOR SHARE)
    INSERT INTO pages (document_id, number, text, characters, confidence, width, height, lines, source, raw_key,
                       engine, written_by)
    SELECT owned.id, row.*, $3::engine, $4 FROM (VALUES ${rows.join()}) AS row, owned
    ON CONFLICT (document_id, number) DO UPDATE SET
      text = EXCLUDED.text, characters = EXCLUDED.characters, confidence = EXCLUDED.confidence, width = EXCLUDED.width,
      height = EXCLUDED.height, lines = EXCLUDED.lines, source = EXCLUDED.source, engine = EXCLUDED.engine,
      raw_key = EXCLUDED.raw_key, written_by = EXCLUDED.written_by, stored_at = now()`,
    values,
  );
  if (written === 0) throw superseded(documentId, writer.runId);
}

/**
 * Of a job whose result is read to its end: how many pages it has stored, which the ledger is told too, and which numbers
 * from 1 to `expectedPages` have no text that the given attempt, or a later one for the same content and features, has
 * read.
 * @param of.ledgerId row of the attempt that read the whole document
 * @param of.jobLedgerId row of the job itself
 */
export async function countPages(
  executor: Executor,
  documentId: string,
  of: { ledgerId: string; jobId: string; jobLedgerId: string; expectedPages: number },
): Promise<{ stored: number; unread: number[] }> {
  const [row] = await executor.$queryRaw<{ stored: number; unread: number[] }[]>`
    WITH counted AS (
      SELECT count(*)::int AS stored FROM pages WHERE document_id = ${documentId}::uuid AND written_by = ${of.jobId}),
    noted AS (
      UPDATE textract_jobs SET stored_pages = counted.stored FROM counted
      WHERE id = ${of.jobLedgerId}::uuid AND stored_pages IS DISTINCT FROM counted.stored)
    SELECT stored,
           ARRAY(
             SELECT number FROM generate_series(1, ${of.expectedPages}::int) AS wanted (number)
             WHERE NOT EXISTS (
               SELECT 1 FROM textract_jobs first
               JOIN textract_jobs job ON job.document_id = first.document_id AND job.features = first.features
                 AND job.content = first.content AND job.attempt >= first.attempt
               JOIN pages p ON p.document_id = job.document_id AND p.written_by = job.job_id AND p.number = wanted.number
               WHERE first.id = ${of.ledgerId}::uuid AND first.document_id = ${documentId}::uuid)
             ORDER BY number) AS unread
    FROM counted`;
  return { stored: row?.stored ?? 0, unread: row?.unread ?? [] };
}
