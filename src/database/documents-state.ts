import type { Database } from "./client.ts";
import { expiresWithin } from "./expiring-results.ts";

/** How all documents stand, for metrics. */
export interface DocumentsState {
  /** By status and failure type (empty: none); pages and US dollars are sums over these documents. */
  documents: { status: string; failure: string; count: number; pages: number; cost: number }[];
  /** US dollars for documents that are deleted by now. */
  deletedCost: number;
  /** Age of the document that has been open for longest; null: none is open. */
  oldestOpenSeconds: number | null;
  /** Paid results that are not stored yet and that Textract forgets within a day. */
  expiringResults: number;
}

/** Nobody waits for metrics any longer: the server is to end the query, not to go on for whoever has left. Milliseconds. */
const longestMilliseconds = 15_000;

/**
 * Reads it in one query, which goes through the documents once: for every few seconds, not for every request. The server
 * ends it after fifteen seconds.
 */
export async function readDocumentsState(database: Database): Promise<DocumentsState> {
  const [, [row]] = await database.$transaction([
    database.$queryRaw`SELECT set_config('statement_timeout', ${String(longestMilliseconds)}, true)`,
    database.$queryRaw<{ state: DocumentsState }[]>`
    SELECT json_build_object(
      'documents', (SELECT coalesce(json_agg(d), '[]') FROM (
        SELECT status, coalesce(failure_type, '') AS failure, count(*) AS count,
               coalesce(sum(stored_pages), 0)::float8 AS pages, sum(cost_usd)::float8 AS cost
        FROM documents GROUP BY 1, 2 LIMIT 1000) d),
      'deletedCost', (SELECT coalesce(sum(cost_usd), 0)::float8 FROM deletions),
      'oldestOpenSeconds', (
        SELECT extract(epoch FROM now() - min(coalesce(started_at, received_at)))::float8
        FROM documents WHERE status IN ('received', 'processing')),
      'expiringResults', (
        SELECT count(*) FROM textract_jobs j WHERE ${expiresWithin(1)})) AS state`,
  ]);
  if (row === undefined) throw new Error("the query gave no row");
  return row.state;
}
