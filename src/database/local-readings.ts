import { DocketError } from "../contract/failures.ts";
import type { Engine } from "../contract/process-document.ts";
import type { Executor } from "./client.ts";
import { insertEvent } from "./document-events.ts";
import { ownedBy, superseded } from "./document-owner.ts";

/** What decides about a recognised text besides the content. Limits of memory and time only decide whether there is one. */
export interface RecognizerSettings {
  /** Tesseract's codes, joined by `+`. */
  languages: string;
  /** Folder of the trained data; null: the packages'. */
  trainedData: string | null;
  /** A native program; null: the built-in one. */
  tesseract: string | null;
  /** Tells apart what these name at different times: Docket's version, and a hash of data and program. */
  identity: string;
}

/** What is read, and by what. Pages of two runs belong to one text where these are the same. */
export interface LocalReading extends RecognizerSettings {
  /** As the ledger names it: the hash, else the object's version, else its entity tag. */
  content: string;
}

interface BegunReading {
  reading: LocalReading;
  /** Entity tag of the object that is meant. */
  etag: string | null;
  /** The engine that the document was handed in for. */
  engine: Engine;
}

/**
 * Writes into the document's trail what a run reads, before it stores a page: later runs know by that which of its pages
 * they need not read again. A run whose attempts meet workers with other settings has several such events.
 * @throws {DocketError} `Superseded` when another run owns the document; `RecordMissing`, `MetadataMissing`
 */
export async function beginLocalReading(
  executor: Executor,
  documentId: string,
  runId: string,
  settings: RecognizerSettings,
): Promise<BegunReading> {
  const [document] = await executor.$queryRaw<(Omit<BegunReading, "reading"> & { content: string | null })[]>`
    SELECT coalesce(m.sha256, d.object_version, m.etag) AS content, m.etag, d.engine::text AS engine
    FROM documents d LEFT JOIN document_metadata m ON m.document_id = d.id WHERE d.id = ${documentId}::uuid`;
  if (document === undefined) throw new DocketError("RecordMissing", `Document ${documentId} has no record.`);
  const { content, etag, engine } = document;
  if (content === null) throw new DocketError("MetadataMissing", `Document ${documentId} has no metadata.`);
  const reading = { content, ...settings };
  const discriminator = JSON.stringify(settings);
  const event = { documentId, runId, kind: "recognition-begun" as const, discriminator, detail: reading };
  const owned = await executor.$queryRaw<unknown[]>`
    WITH owned AS (${ownedBy(documentId, runId)}), told AS (${insertEvent(event, "owned")}) SELECT id::text FROM owned`;
  if (owned.length === 0) throw superseded(documentId, runId);
  return { reading, etag, engine };
}

/**
 * Numbers from 1 to `expected` of which neither this run has stored a text nor an earlier one whose reading was the same
 * throughout.
 * @param of.reading what earlier runs must have read; null: what they stored does not count
 * @param of.keepRead whether what Textract has read of that content, with the document's features, counts too. A job whose
 * numbers contradict each other does not: nobody can say which of its pages are whole.
 */
export async function pagesToRead(
  executor: Executor,
  of: { documentId: string; runId: string; expected: number; reading: LocalReading | null; keepRead: boolean },
): Promise<number[]> {
  const { documentId, runId, expected, reading, keepRead } = of;
  const rows = await executor.$queryRaw<{ number: number }[]>`
    WITH counted AS (
      SELECT ${runId}::text AS writer
      UNION
      SELECT run_id FROM document_events WHERE document_id = ${documentId}::uuid AND kind = 'recognition-begun'
      GROUP BY run_id HAVING bool_and(detail = ${reading === null ? null : JSON.stringify(reading)}::jsonb)
      UNION
      SELECT j.job_id FROM textract_jobs j JOIN documents d ON d.id = j.document_id AND d.features = j.features
      WHERE ${keepRead}::boolean AND d.id = ${documentId}::uuid AND j.content = ${reading?.content ?? null}::text
        AND (j.state = 'succeeded' OR (j.state = 'partial_success' AND jsonb_array_length(j.failed_pages) > 0))
        AND j.pages BETWEEN coalesce(j.stored_pages, 0)
                        AND coalesce(nullif(cardinality(j.page_numbers), 0), ${expected}::int))
    SELECT number FROM generate_series(1, ${expected}::int) AS wanted (number)
    WHERE NOT EXISTS (SELECT 1 FROM pages p JOIN counted ON counted.writer = p.written_by
                      WHERE p.document_id = ${documentId}::uuid AND p.number = wanted.number)
    ORDER BY number`;
  return rows.map((row) => row.number);
}
