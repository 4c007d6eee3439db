import { extname } from "node:path";
import { getClient } from "@temporalio/activity";
import { addItems } from "../database/batch-items.ts";
import { type BatchRow, closeBatch } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import { deletedBefore } from "../database/deleted-objects.ts";
import { documentExtensions } from "../media/document-names.ts";
import type { ListedObject, ObjectStorage } from "../storage/object-storage.ts";
import { runningBatches } from "./running-batches.ts";

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

/**
 * Which of the objects an earlier batch handed in to the same project, as they are now. What only waits in a batch counts
 * for as long as somebody works on that batch: one whose workflow was terminated hands nothing in any more. What was
 * deleted since counts as well: a sweep does not bring it back, whoever wants it back hands it in.
 */
async function handedInBefore(
  database: Database,
  batch: BatchRow & { bucket: string },
  objects: ListedObject[],
): Promise<Set<string>> {
  const rows = await database.$queryRaw<{ key: string; etag: string; waitsIn: string | null }[]>`
    SELECT DISTINCT i.key, i.etag, CASE WHEN i.state IN ('waiting', 'claimed') THEN b.id::text END AS "waitsIn"
    FROM batch_items i JOIN batches b ON b.id = i.batch_id
    WHERE i.bucket = ${batch.bucket} AND i.key = ANY(${objects.map(({ key }) => key)}::text[]) AND i.etag IS NOT NULL
      AND b.id <> ${batch.id}::uuid AND coalesce(i.project, b.project) = ${batch.project}
      AND b.engine = ${batch.engine}::engine AND b.features = ${batch.features}::text[] AND i.state <> 'cancelled'
      AND (i.state NOT IN ('waiting', 'claimed') OR b.finished_at IS NULL)`;
  const waitIn = rows.flatMap(({ waitsIn }) => (waitsIn === null ? [] : [waitsIn]));
  const running = await runningBatches(getClient(), [...new Set(waitIn)]);
  const handedIn = rows.filter(({ waitsIn }) => waitsIn === null || running.has(waitsIn));
  const { project } = batch;
  const deleted = await deletedBefore(database, { project, bucket: batch.bucket }, objects);
  return new Set([...handedIn, ...deleted].map(({ key, etag }) => `${key}\n${etag}`));
}
