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
