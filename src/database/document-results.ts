import { DocketError } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { Engine, ProcessDocumentResult } from "../contract/process-document.ts";
import type { Executor } from "./document-events.ts";

interface ResultRow {
  slug: string;
  status: string;
  engine: Engine;
  features: Feature[];
  sha256: string | null;
  etag: string | null;
  page_engine: "textract" | "local" | null;
  expected_pages: number;
  stored_pages: number;
  characters: number;
  mean_confidence: number | null;
  jobs: bigint;
  cost: string;
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

/** A complete document's result together with what it was asked for; null when it is not complete. */
export async function completeResult(executor: Executor, documentId: string): Promise<CompleteDocument | null> {
  const [row] = await executor.$queryRaw<ResultRow[]>`
    SELECT p.slug, d.status::text, d.engine::text, d.features, m.sha256, m.etag, d.expected_pages, d.stored_pages, d.characters,
           d.mean_confidence, d.cost_usd::text AS cost,
           (SELECT engine::text FROM pages WHERE document_id = d.id ORDER BY number LIMIT 1) AS page_engine,
           (SELECT count(*) FROM textract_jobs j WHERE j.document_id = d.id AND j.job_id IS NOT NULL) AS jobs
    FROM documents d JOIN projects p ON p.id = d.project_id
    LEFT JOIN document_metadata m ON m.document_id = d.id
    WHERE d.id = ${documentId}::uuid`;
  if (row === undefined) throw new DocketError("RecordMissing", `Document ${documentId} has no record.`);
  if (row.status !== "complete") return null;
  return {
    engine: row.engine,
    features: row.features,
    sha256: row.sha256,
    etag: row.etag,
    result: {
      documentId,
      project: row.slug,
      status: "complete",
      engine: row.page_engine ?? (row.engine === "local" ? "local" : "textract"),
      pages: row.expected_pages,
      storedPages: row.stored_pages,
      characters: row.characters,
      meanConfidence: row.mean_confidence,
      textractJobs: Number(row.jobs),
      costUsd: Number(row.cost),
      reused: false,
    },
  };
}
