import pg from "pg";
import { DocketError, type MissingPage } from "../contract/failures.ts";
import type { Line, PageSource } from "../contract/page.ts";
import { connectionOptions } from "./connection-options.ts";

/** A document as the database has it, with what belongs to it. */
export interface DocumentRow {
  id: string;
  bucket: string;
  key: string;
  version: string | null;
  status: string;
  engine: string;
  features: string[];
  fileName: string | null;
  project: string;
  mediaType: string | null;
  sha256: string | null;
  source: string | null;
  customFields: Record<string, string> | null;
  expectedPages: number | null;
  storedPages: number;
  characters: number | null;
  meanConfidence: number | null;
  /** Of an incomplete document: the pages that it lacks. */
  missingPages: MissingPage[] | null;
  /** Jobs that read some pages only, and which. */
  parts: { jobId: string; pages: number[] }[];
}

/** A page as the database has it. */
export interface PageRow {
  number: number;
  text: string;
  characters: number;
  confidence: number | null;
  width: number | null;
  height: number | null;
  lines: Line[];
  source: PageSource;
  engine: string;
  rawKey: string | null;
  writtenBy: string;
  /** Who corrected the text, and when; null where it is the recognised one. */
  correction: { by: string; at: Date } | null;
}

/** Candidates for a document that a person named. */
export interface DocumentCandidate {
  id: string;
  metadata: { fileName: string } | null;
}

/**
 * Reads documents with PostgreSQL's driver alone. Prisma's engine takes 77 MiB for its first query, which is more than
 * the making of a searchable PDF takes; what only reads, and must stay small, goes without.
 */
export class DocumentReader {
  readonly #pool: pg.Pool;

  /** Connects at the first question, and again where long work or a silent server came between two. */
  constructor(url: string, silentMilliseconds?: number) {
    this.#pool = new pg.Pool({ ...connectionOptions(url, silentMilliseconds), max: 1, idleTimeoutMillis: 30_000 });
    // A connection that breaks is told by the next question; an event that nobody takes would end the process.
    this.#pool.on("error", () => {});
  }

  /** Documents whose id is in a range, or, where there is none, with a file name; at most `limit`. */
  async candidates(
    range: { gte: string; lte: string } | null,
    fileName: string,
    limit: number,
  ): Promise<DocumentCandidate[]> {
    const select = `SELECT d.id, CASE WHEN m.file_name IS NULL THEN NULL ELSE jsonb_build_object('fileName', m.file_name) END
                    AS metadata FROM documents d LEFT JOIN document_metadata m ON m.document_id = d.id`;
    if (range !== null) {
      const where = "WHERE d.id BETWEEN $1::uuid AND $2::uuid LIMIT $3";
      const rows = await this.#rows<DocumentCandidate>(`${select} ${where}`, [range.gte, range.lte, limit]);
      if (rows.length > 0) return rows;
    }
    const where = "WHERE m.file_name = $1 ORDER BY d.received_at DESC LIMIT $2";
    return this.#rows(`${select} ${where}`, [fileName.replaceAll("\0", ""), limit]);
  }

  /** Ids of a project's documents, newest first, a few hundred at a time; `status`: only documents in it. */
  async *projectDocuments(slug: string, status?: string): AsyncGenerator<string> {
    const batch = 500;
    let last: { id: string; at: string } | undefined;
    for (;;) {
      const rows: { id: string; at: string }[] = await this.#rows(
        `SELECT d.id, d.received_at::text AS at FROM documents d JOIN projects p ON p.id = d.project_id
         WHERE p.slug = $1 AND ($2::text IS NULL OR d.status::text = $2)
           AND ($3::uuid IS NULL OR (d.received_at, d.id) < ($4::timestamptz, $3::uuid))
         ORDER BY d.received_at DESC, d.id DESC LIMIT ${batch}`,
        [slug, status ?? null, last?.id ?? null, last?.at ?? null],
      );
      for (const { id } of rows) yield id;
      last = rows.at(-1);
      if (rows.length < batch) return;
    }
  }

  /** A document; undefined when there is none. */
  async document(id: string): Promise<DocumentRow | undefined> {
    const [row] = await this.#rows<DocumentRow>(
      `SELECT d.id, d.bucket, d.key, d.object_version AS version, d.status::text AS status, d.engine::text AS engine,
              d.features, m.file_name AS "fileName", p.slug AS project, m.media_type AS "mediaType", m.sha256, m.source,
              m.custom_fields AS "customFields", d.expected_pages AS "expectedPages",
              (SELECT count(*)::int FROM pages WHERE document_id = d.id) AS "storedPages", d.characters,
              d.mean_confidence AS "meanConfidence", d.missing_pages AS "missingPages",
              coalesce((SELECT jsonb_agg(jsonb_build_object('jobId', job_id, 'pages', page_numbers)) FROM textract_jobs
                        WHERE document_id = d.id AND job_id IS NOT NULL AND cardinality(page_numbers) > 0), '[]') AS parts
       FROM documents d JOIN projects p ON p.id = d.project_id LEFT JOIN document_metadata m ON m.document_id = d.id
       WHERE d.id = $1::uuid`,
      [id],
    );
    return row;
  }

  /** The next pages of a document after a number, at most `limit`; a text that a person corrected in place of the other. */
  async pagesAfter(documentId: string, after: number, limit: number): Promise<PageRow[]> {
    const rows = await this.#rows<Omit<PageRow, "correction"> & { correctedBy: string | null; correctedAt: Date }>(
      `SELECT p.number, coalesce(c.text, p.text) AS text, coalesce(c.characters, p.characters) AS characters,
              p.confidence, p.width, p.height, p.lines, p.source::text AS source, p.engine::text AS engine,
              p.raw_key AS "rawKey", p.written_by AS "writtenBy",
              c.corrected_by AS "correctedBy", c.corrected_at AS "correctedAt"
       FROM pages p LEFT JOIN page_corrections c ON c.document_id = p.document_id AND c.number = p.number
       WHERE p.document_id = $1::uuid AND p.number > $2 ORDER BY p.number LIMIT $3`,
      [documentId, after, limit],
    );
    return rows.map(({ correctedBy: by, correctedAt: at, ...page }) => ({
      ...page,
      correction: by === null ? null : { by, at },
    }));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #rows<Row>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.#pool.query(text, values)).rows as Row[];
    } catch (cause) {
      throw new DocketError("DatabaseUnavailable", `PostgreSQL: ${(cause as Error).message}`, { cause });
    }
  }
}
