import { endsInTrail } from "./batch-item-ends.ts";
import type { Executor } from "./client.ts";

/** An item that waits for its turn. */
export interface WaitingItem {
  id: string;
  bucket: string;
  key: string;
  objectVersion: string | null;
  etag: string | null;
  sha256: string | null;
  fileName: string | null;
  source: string | null;
  project: string | null;
  priority: number | null;
  customFields: Record<string, string>;
  documentId: string | null;
  /** It was started before, and Temporal had no workflow of its document when it was asked. */
  lost: boolean;
}

/** Which of a batch's items are asked for. */
interface Line {
  batchId: string;
  /** Of the items that name none. */
  priority: number;
  /** Of the items that name none. */
  project: string;
  /** At most so many. */
  limit: number;
}

/** Items that wait, the first in line first: by priority, then in the order of the list. */
export async function waitingItems(
  executor: Executor,
  { batchId, priority, limit }: Omit<Line, "project">,
): Promise<WaitingItem[]> {
  // Two short index scans instead of a sort of everything that waits.
  return executor.$queryRaw<WaitingItem[]>`
    SELECT id::text, bucket, key, object_version AS "objectVersion", etag, sha256, file_name AS "fileName", source,
           project, priority::int, custom_fields AS "customFields", document_id::text AS "documentId",
           asked_at IS NOT NULL AS lost
    FROM (
      (SELECT *, priority AS rank FROM batch_items
       WHERE batch_id = ${batchId}::uuid AND state = 'waiting' AND priority IS NOT NULL
       ORDER BY priority, position LIMIT ${limit})
      UNION ALL
      (SELECT *, ${priority}::smallint AS rank FROM batch_items
       WHERE batch_id = ${batchId}::uuid AND state = 'waiting' AND priority IS NULL
       ORDER BY position LIMIT ${limit})) AS first_in_line
    ORDER BY rank, position LIMIT ${limit}`;
}

/**
 * Items that wait, as {@link waitingItems} has them, without those of some projects. These are stepped over: a batch that
 * is held by a budget looks every few seconds, and may do so for a month.
 */
export async function waitingItemsWithout(
  executor: Executor,
  { batchId, priority, project, limit }: Line,
  projects: readonly string[],
): Promise<WaitingItem[]> {
  // A lane is what waits of one project with one priority ('' and 0: of the items that name none), in the order of an index.
  return executor.$queryRaw<WaitingItem[]>`
    WITH RECURSIVE lanes AS (
      (SELECT coalesce(project, '') AS project, coalesce(priority, 0) AS priority FROM batch_items
       WHERE batch_id = ${batchId}::uuid AND state = 'waiting'
       ORDER BY coalesce(project, ''), coalesce(priority, 0) LIMIT 1)
      UNION ALL
      SELECT next.* FROM lanes CROSS JOIN LATERAL (
        SELECT coalesce(i.project, ''), coalesce(i.priority, 0) FROM batch_items i
        WHERE i.batch_id = ${batchId}::uuid AND i.state = 'waiting'
          AND (coalesce(i.project, ''), coalesce(i.priority, 0)) > (lanes.project, lanes.priority)
        ORDER BY coalesce(i.project, ''), coalesce(i.priority, 0) LIMIT 1) AS next)
    SELECT id::text, bucket, key, object_version AS "objectVersion", etag, sha256, file_name AS "fileName", source,
           first_in_lane.project, first_in_lane.priority::int, custom_fields AS "customFields",
           document_id::text AS "documentId", asked_at IS NOT NULL AS lost
    FROM lanes CROSS JOIN LATERAL (
      SELECT i.* FROM batch_items i
      WHERE i.batch_id = ${batchId}::uuid AND i.state = 'waiting'
        AND coalesce(i.project, '') = lanes.project AND coalesce(i.priority, 0) = lanes.priority
      ORDER BY i.position LIMIT ${limit}) AS first_in_lane
    WHERE coalesce(nullif(lanes.project, ''), ${project}) <> ALL(${projects}::text[])
    ORDER BY coalesce(first_in_lane.priority, ${priority}::smallint), position LIMIT ${limit}`;
}

/** Items of some projects that wait, and of which nobody has looked yet whether their document is complete already. */
export async function unseenItems(
  executor: Executor,
  { batchId, project, limit }: Omit<Line, "priority">,
  projects: readonly string[],
): Promise<WaitingItem[]> {
  return executor.$queryRaw<WaitingItem[]>`
    SELECT id::text, bucket, key, object_version AS "objectVersion", etag, sha256, file_name AS "fileName", source,
           project, priority::int, custom_fields AS "customFields", document_id::text AS "documentId",
           asked_at IS NOT NULL AS lost
    FROM batch_items
    WHERE batch_id = ${batchId}::uuid AND state = 'waiting' AND document_id IS NULL
      AND coalesce(project, ${project}) = ANY(${projects}::text[])
    -- All of them have none: the order is that of the index to go by, however many of other batches have none either.
    ORDER BY batch_id, document_id LIMIT ${limit}`;
}

/** Keeps what reading an item's object has shown, so that it is read once; what it did not show stays as listed. */
export async function identifyItem(
  executor: Executor,
  id: string,
  known: { documentId: string; sha256: string | null; etag: string | null; version: string | null },
): Promise<void> {
  const { documentId, sha256, etag, version } = known;
  await executor.$executeRaw`
    UPDATE batch_items SET document_id = ${documentId}::uuid, sha256 = ${sha256}, etag = coalesce(${etag}, etag),
                           object_version = coalesce(${version}, object_version)
    WHERE id = ${id}::uuid`;
}

/** Takes waiting items for an attempt of a call of the workflow's, which finds them by {@link claimedItems}. */
export async function claimItems(executor: Executor, ids: readonly string[], claim: string): Promise<void> {
  await executor.$executeRaw`
    UPDATE batch_items SET state = 'claimed', claim = ${claim}, started_at = now()
    WHERE id = ANY(${ids}::uuid[]) AND state = 'waiting'`;
}

/** What an attempt has taken. */
export async function claimedItems(executor: Executor, batchId: string, claim: string): Promise<WaitingItem[]> {
  return executor.$queryRaw<WaitingItem[]>`
    SELECT id::text, bucket, key, object_version AS "objectVersion", etag, sha256, file_name AS "fileName", source,
           project, priority::int, custom_fields AS "customFields", document_id::text AS "documentId",
           asked_at IS NOT NULL AS lost
    FROM batch_items WHERE batch_id = ${batchId}::uuid AND state = 'claimed' AND claim = ${claim} ORDER BY position`;
}

/**
 * The workflow has started the documents of one claim; whatever other calls took was lost on the way and waits again. A
 * claim names a call and, behind the last slash, its attempt: what a later attempt of the same call has taken is left to
 * it, should this one have been taken for dead.
 */
export async function confirmClaim(
  executor: Executor,
  batchId: string,
  claims: { started: string | null; current: string },
): Promise<void> {
  const [, call = null, attempt = "0"] = /^(.+\/)(\d+)$/.exec(claims.current) ?? [];
  await executor.$executeRaw`
    UPDATE batch_items SET
      state = (CASE WHEN claim = ${claims.started} THEN 'started' ELSE 'waiting' END)::batch_item_state, claim = NULL,
      -- Started anew, it is not lost any more.
      asked_at = CASE WHEN claim = ${claims.started} THEN NULL ELSE asked_at END
    WHERE batch_id = ${batchId}::uuid AND state = 'claimed' AND claim <> ${claims.current}
      AND NOT (${call}::text IS NOT NULL AND starts_with(claim, ${call})
               AND coalesce(substring(claim FROM '[0-9]+$')::int, 0) > ${Number(attempt)}::int)`;
}

/**
 * When the document of an item was started by another item of the batch; null when none did. One that ended without
 * being started (refused as it stood, or complete before its turn) says nothing about its content. Nor does one that was
 * refused or terminated, or whose document was deleted, where somebody has it read for something else by now: no end that
 * counts would ever be found, and whoever follows it waits, and follows it again.
 */
export async function startOfSameDocument(
  executor: Executor,
  batchId: string,
  item: { id: string; documentId: string },
): Promise<Date | null> {
  const [row] = await executor.$queryRaw<{ startedAt: Date }[]>`
    WITH begun AS (
      SELECT i.document_id, i.started_at, i.state, b.engine, b.features
      FROM batch_items i JOIN batches b ON b.id = i.batch_id
      WHERE i.batch_id = ${batchId}::uuid AND i.document_id = ${item.documentId}::uuid AND i.id <> ${item.id}::uuid
        AND i.state NOT IN ('waiting', 'cancelled') AND i.started_at IS NOT NULL)
    SELECT started_at AS "startedAt" FROM begun
    WHERE state IN ('claimed', 'started')
       OR NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = begun.document_id
                      AND (d.engine <> begun.engine OR d.features <> begun.features))
       OR EXISTS (${endsInTrail})
    ORDER BY started_at LIMIT 1`;
  return row?.startedAt ?? null;
}

/** An item whose document another item has started: it ends as that one does. */
export async function followItem(executor: Executor, id: string, startedAt: Date): Promise<void> {
  await executor.$executeRaw`
    UPDATE batch_items SET state = 'started', started_at = ${startedAt} WHERE id = ${id}::uuid AND state = 'waiting'`;
}
