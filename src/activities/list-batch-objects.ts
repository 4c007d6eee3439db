import { extname } from "node:path";
import { addItems } from "../database/batch-items.ts";
import { type BatchRow, closeBatch } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import { documentExtensions } from "../media/document-names.ts";
import type { ListedObject, ObjectStorage } from "../storage/object-storage.ts";

/**
 * Adds the next page of the batch's S3 prefix to its items: at most 1,000 objects are in memory.
 *
 * Idempotent: an item's key is derived from its address, and where the listing stands is written after its items.
 */
export async function listNextPage(
  ports: { database: Database; storage: ObjectStorage },
  batch: BatchRow & { bucket: string; prefix: string },
): Promise<void> {
  const { database, storage } = ports;
  const { bucket } = batch;
  const { objects, more } = await storage.list(bucket, batch.prefix, batch.listedKey);
  const documents = objects.filter(isDocument);
  const handedIn = batch.onlyNew ? await handedInBefore(database, batch, documents) : new Set<string>();
  const items = documents
    .filter(({ key, etag }) => !handedIn.has(`${key}\n${etag}`))
    .map(({ key, etag }) => ({ bucket, key, etag }));
  if (items.length > 0) await addItems(database, batch.id, items);
  const last = objects.at(-1)?.key;
  if (last !== undefined) {
    await database.$executeRaw`UPDATE batches SET listed_key = ${last} WHERE id = ${batch.id}::uuid`;
  }
  if (!more) await closeBatch(database, batch.id);
}

/** By its extension; whatever is wrong inside is found and recorded later. */
function isDocument({ key, size }: ListedObject): boolean {
  return size > 0 && documentExtensions.has(extname(key).toLowerCase());
}

/** Which of the objects an earlier batch handed in to the same project, as they are now. */
async function handedInBefore(database: Database, batch: BatchRow, objects: ListedObject[]): Promise<Set<string>> {
  const rows = await database.$queryRaw<{ key: string; etag: string }[]>`
    SELECT DISTINCT i.key, i.etag FROM batch_items i JOIN batches b ON b.id = i.batch_id
    WHERE i.bucket = ${batch.bucket} AND i.key = ANY(${objects.map(({ key }) => key)}::text[]) AND i.etag IS NOT NULL
      AND b.id <> ${batch.id}::uuid AND coalesce(i.project, b.project) = ${batch.project}
      AND b.engine = ${batch.engine}::engine AND b.features = ${batch.features}::text[] AND i.state <> 'cancelled'`;
  return new Set(rows.map(({ key, etag }) => `${key}\n${etag}`));
}
