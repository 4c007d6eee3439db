import { DocketError } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { Engine, ProcessDocumentResult } from "../contract/process-document.ts";
import type { Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

interface ResultRow extends CompleteDocument {
  status: string;
}

/** A complete document: its result, and what that is a result of. */
export interface CompleteDocument {
  result: ProcessDocumentResult;
  engine: Engine;
  features: Feature[];
  /** Of the content; null where it was too large to be hashed. */
  sha256: string | null;
  /** Entity tag of the object that was read. */
  etag: string | null;
}

/** A complete document's {@link ProcessDocumentResult} as JSON, out of a row `d` of documents and its project `p`. */
export const resultAsJson = Prisma.sql`
  json_build_object(
    'documentId', d.id, 'project', p.slug, 'status', 'complete',
    'engine', coalesce((SELECT engine::text FROM pages WHERE document_id = d.id AND number <= d.expected_pages
                        ORDER BY number LIMIT 1),
                       CASE d.engine WHEN 'local' THEN 'local' ELSE 'textract' END),
    'pages', d.expected_pages, 'storedPages', d.stored_pages, 'characters', d.characters,
    'meanConfidence', d.mean_confidence,
    'textractJobs', (SELECT count(*) FROM textract_jobs j WHERE j.document_id = d.id AND j.job_id IS NOT NULL),
    'costUsd', d.cost_usd::float8, 'reused', false)`;

/** A complete document's result together with what it was asked for; null when it is not complete. */
export async function completeResult(executor: Executor, documentId: string): Promise<CompleteDocument | null> {
  const [row] = await executor.$queryRaw<ResultRow[]>`
    SELECT d.status::text, d.engine::text, d.features, m.sha256, m.etag, ${resultAsJson} AS result
    FROM documents d JOIN projects p ON p.id = d.project_id
    LEFT JOIN document_metadata m ON m.document_id = d.id
    WHERE d.id = ${documentId}::uuid`;
  if (row === undefined) throw new DocketError("RecordMissing", `Document ${documentId} has no record.`);
  const { status, ...complete } = row;
  return status === "complete" ? complete : null;
}
