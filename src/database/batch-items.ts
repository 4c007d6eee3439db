import { v5 as uuidv5 } from "uuid";
import type { Executor } from "./client.ts";

/** A document of a batch, before anything of it is known but where it is. */
export interface NewItem {
  bucket: string;
  key: string;
  version?: string;
  etag?: string;
  sha256?: string;
  fileName?: string;
  source?: string;
  project?: string;
  /** 1 (first) to 5 (last); the batch's where it is left out. */
  priority?: number;
  customFields?: Record<string, string>;
  /** What makes it one item: named twice, it is listed once. Default: its S3 address. */
  reference?: string;
}

/**
 * Adds items in their order, and counts those that were not there. A batch that is closed takes none.
 * @returns the items that a closed batch does not have: whoever hands them in needs another batch for them
 */
export async function addItems(executor: Executor, batchId: string, items: readonly NewItem[]): Promise<NewItem[]> {
  const rows = items.map((item) => {
    const reference = item.reference ?? `s3://${item.bucket}/${item.key}#${item.version ?? ""}`;
    return { id: uuidv5(reference, batchId), ...item };
  });
  const open = await executor.$queryRaw<unknown[]>`
    WITH open AS (
      -- Held, so that it is not closed meanwhile.
      SELECT id FROM batches WHERE id = ${batchId}::uuid AND closed_at IS NULL FOR NO KEY UPDATE),
    added AS (
      INSERT INTO batch_items (id, batch_id, bucket, key, object_version, etag, sha256, file_name, source, project,
                               priority, custom_fields)
      SELECT id, ${batchId}::uuid, bucket, key, version, etag, sha256, "fileName", source, project, priority,
             coalesce("customFields", '{}')
      FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS (
        id uuid, bucket text, key text, version text, etag text, sha256 text, "fileName" text, source text,
        project text, priority smallint, "customFields" jsonb)) WITH ORDINALITY
      WHERE EXISTS (SELECT 1 FROM open)
      ORDER BY ordinality
      ON CONFLICT (id) DO NOTHING RETURNING 1),
    counted AS (
      UPDATE batches SET total = total + (SELECT count(*) FROM added)::int
      WHERE id = ${batchId}::uuid AND EXISTS (SELECT 1 FROM added))
    SELECT 1 FROM open`;
  if (open.length > 0) return [];
  const listed = await executor.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM batch_items WHERE id = ANY(${rows.map(({ id }) => id)}::uuid[])`;
  const known = new Set(listed.map(({ id }) => id));
  return items.filter((_, index) => !known.has(rows[index]?.id ?? ""));
}
