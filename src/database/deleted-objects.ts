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

/**
 * Takes an item out of a sweep whose document was deleted, and is not there again, where its object was there at that time:
 * under another key than the document's own, with the same content. From then on it is known by its digest, too.
 * @returns whether it was taken out; its batch counts it as cancelled
 */
export async function leaveOutDeleted(
  executor: Executor,
  project: string,
  { id, documentId, bucket }: { id: string; documentId: string; bucket: string },
): Promise<boolean> {
  const digest = objectDigest(project, bucket, Prisma.sql`gone.key`, Prisma.sql`gone.etag`);
  const changed = await executor.$executeRaw`
    WITH deletion AS (
      SELECT x.id FROM deletions x, batch_items i JOIN batches b ON b.id = i.batch_id
      WHERE i.id = ${id}::uuid AND x.document_id = ${documentId}::uuid
        AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = x.document_id)
        -- It was listed before the deletion: by this batch, or by another one. What has come since is new.
        AND (b.created_at <= x.deleted_at OR EXISTS (
          SELECT 1 FROM batch_items o JOIN batches earlier ON earlier.id = o.batch_id
          WHERE o.bucket = i.bucket AND o.key = i.key AND o.etag = i.etag AND earlier.created_at <= x.deleted_at))
      ORDER BY x.deleted_at DESC LIMIT 1),
    gone AS (
      DELETE FROM batch_items i USING deletion WHERE i.id = ${id}::uuid AND i.state = 'waiting'
      RETURNING i.batch_id, i.key, i.etag, deletion.id AS deletion),
    known AS (
      UPDATE deletions x SET object_digests = array_append(x.object_digests, ${digest})
      FROM gone WHERE x.id = gone.deletion AND gone.etag IS NOT NULL)
    UPDATE batches b SET cancelled = b.cancelled + 1 FROM gone WHERE b.id = gone.batch_id`;
  return changed > 0;
}
