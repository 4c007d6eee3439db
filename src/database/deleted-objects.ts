import type { Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

/**
 * What is kept of an object whose document was deleted: a digest of project, address and entity tag. By it the same object
 * is known again, and no name can be read from it. The key and the entity tag are given as SQL.
 */
export function objectDigest(project: string, bucket: string, key: Prisma.Sql, etag: Prisma.Sql): Prisma.Sql {
  const place = Prisma.sql`${project}::text || chr(10) || ${bucket}::text || chr(10) || ${key} || chr(10)`;
  // Some programs keep an entity tag without its quotation marks.
  return Prisma.sql`encode(sha256(convert_to(${place} || btrim(${etag}, '"'), 'UTF8')), 'hex')`;
}

/** Which of these objects of a bucket, as they are now, were of documents of the project that are deleted by now. */
export function deletedBefore(
  executor: Executor,
  { project, bucket }: { project: string; bucket: string },
  objects: readonly { key: string; etag: string }[],
): Promise<{ key: string; etag: string }[]> {
  const digest = objectDigest(project, bucket, Prisma.sql`o.key`, Prisma.sql`o.etag`);
  return executor.$queryRaw<{ key: string; etag: string }[]>`
    SELECT o.key, o.etag
    FROM unnest(${objects.map(({ key }) => key)}::text[], ${objects.map(({ etag }) => etag)}::text[]) AS o (key, etag)
    WHERE EXISTS (SELECT 1 FROM deletions d WHERE d.object_digests @> ARRAY[${digest}])`;
}

/** A deletion of an item's document that is not there again. */
export interface ItemDeletion {
  id: string;
  deletedAt: Date;
  /** The item's object was surely there at that time: a batch had listed it. */
  listedBefore: boolean;
}

/** The last deletion of an item's document; null where there was none, or where the document is there again. */
export async function deletionOf(
  executor: Executor,
  { id, documentId }: { id: string; documentId: string },
): Promise<ItemDeletion | null> {
  const [row] = await executor.$queryRaw<ItemDeletion[]>`
    SELECT x.id::text, x.deleted_at AS "deletedAt", EXISTS (
      SELECT 1 FROM batch_items o JOIN batches b ON b.id = o.batch_id
      WHERE o.bucket = i.bucket AND o.key = i.key AND (o.id = i.id OR o.etag = i.etag)
        -- A batch lists for as long as it is open: when it was made says nothing.
        AND least(o.finished_at, b.closed_at) <= x.deleted_at) AS "listedBefore"
    FROM deletions x, batch_items i
    WHERE i.id = ${id}::uuid AND x.document_id = ${documentId}::uuid
      AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = x.document_id)
    ORDER BY x.deleted_at DESC LIMIT 1`;
  return row ?? null;
}

/**
 * Takes a waiting item out of a sweep, as one whose document was deleted and is not there again. From then on its object is
 * known by its digest, too.
 * @returns whether it was taken out; its batch counts it as cancelled
 */
export async function leaveOutDeleted(
  executor: Executor,
  project: string,
  { id, documentId, bucket }: { id: string; documentId: string; bucket: string },
  deletion: ItemDeletion,
): Promise<boolean> {
  const digest = objectDigest(project, bucket, Prisma.sql`gone.key`, Prisma.sql`gone.etag`);
  const changed = await executor.$executeRaw`
    WITH gone AS (
      DELETE FROM batch_items WHERE id = ${id}::uuid AND state = 'waiting'
        AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = ${documentId}::uuid)
      RETURNING batch_id, key, etag),
    known AS (
      UPDATE deletions x SET object_digests = array_append(x.object_digests, ${digest})
      FROM gone WHERE x.id = ${deletion.id}::uuid AND gone.etag IS NOT NULL)
    UPDATE batches b SET cancelled = b.cancelled + 1 FROM gone WHERE b.id = gone.batch_id`;
  return changed > 0;
}
