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

/** Final states of an item, each with its counter in the batch's row. */
export type ItemEnd = "reused" | "complete" | "incomplete" | "failed" | "cancelled";

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
 * Settles every item whose document has ended since it was started. What the document's row says counts while it is of
 * what the batch asks for. Somebody may have taken the document over for another engine or other features, before anybody
 * looked: then its trail tells how the reading that the batch asks for ended. Where there was none, the document was under
 * way for something else, and the item waits again as soon as that has ended.
 */
export async function settleItems(executor: Executor, batchId: string): Promise<void> {
  await executor.$executeRaw`
    WITH begun AS (
      SELECT i.id, i.sha256, i.started_at, b.engine, b.features, b.force, d.id AS document_id, d.status, d.failure_type,
             d.finished_at, d.engine = b.engine AND d.features = b.features AS as_asked
      FROM batches b JOIN batch_items i ON i.batch_id = b.id AND i.state = 'started'
      JOIN documents d ON d.id = i.document_id
      WHERE b.id = ${batchId}::uuid),
    ended AS (
      SELECT id, status::text AS state, failure_type, NULL AS failure_message FROM begun
      WHERE as_asked AND status NOT IN ('received', 'processing')
        -- An end from before the start is an earlier run's, unless it is just what was asked for.
        AND (finished_at >= started_at
             OR (status = 'complete' AND NOT force
                 AND NOT EXISTS (SELECT 1 FROM document_metadata m
                                 WHERE m.document_id = begun.document_id AND m.sha256 <> begun.sha256)))
      UNION ALL
      SELECT begun.id, told.state, told.failure ->> 'type', told.failure ->> 'message'
      FROM begun CROSS JOIN LATERAL (
        SELECT CASE WHEN e.kind = 'completed' THEN 'complete' WHEN e.detail ->> 'type' = 'Cancelled' THEN 'cancelled'
                    ELSE e.kind END AS state,
               CASE WHEN e.kind <> 'completed' THEN e.detail END AS failure
        FROM document_events e CROSS JOIN LATERAL (
          SELECT c.detail FROM document_events c
          WHERE c.document_id = e.document_id AND c.kind = 'record-created' AND c.id < e.id
          ORDER BY c.id DESC LIMIT 1) AS run
        WHERE e.document_id = begun.document_id AND e.at >= begun.started_at
          AND e.kind IN ('completed', 'incomplete', 'failed')
          AND run.detail ->> 'engine' = begun.engine::text AND run.detail -> 'features' = to_jsonb(begun.features)
        ORDER BY e.id DESC LIMIT 1) AS told
      WHERE NOT begun.as_asked),
    changed AS (
      UPDATE batch_items i SET
        state = ended.state::batch_item_state, failure_type = ended.failure_type,
        failure_message = ended.failure_message, finished_at = now()
      FROM ended WHERE i.id = ended.id AND i.state = 'started' RETURNING i.state),
    released AS (
      UPDATE batch_items i SET state = 'waiting', started_at = NULL, asked_at = NULL
      FROM begun WHERE i.id = begun.id AND i.state = 'started'
        AND NOT as_asked AND status NOT IN ('received', 'processing') AND begun.finished_at >= begun.started_at
        AND NOT EXISTS (SELECT 1 FROM ended WHERE ended.id = begun.id)),
    counts AS (
      SELECT count(*) FILTER (WHERE state = 'complete')::int AS complete,
             count(*) FILTER (WHERE state = 'incomplete')::int AS incomplete,
             count(*) FILTER (WHERE state = 'failed')::int AS failed,
             count(*) FILTER (WHERE state = 'cancelled')::int AS cancelled FROM changed)
    UPDATE batches b SET complete = b.complete + c.complete, incomplete = b.incomplete + c.incomplete,
                         failed = b.failed + c.failed, cancelled = b.cancelled + c.cancelled
    FROM counts c WHERE b.id = ${batchId}::uuid AND c.complete + c.incomplete + c.failed + c.cancelled > 0`;
}

/** Settles one item, whatever it was before; one that has ended already is not counted again. */
export async function settleItem(
  executor: Executor,
  batchId: string,
  id: string,
  end: ItemEnd,
  failure: { type: string; message: string } | null = null,
): Promise<void> {
  const { type = null } = failure ?? {};
  // PostgreSQL keeps no null character, and whose message it is nobody knows here.
  const message = failure?.message.replaceAll("\0", " ") ?? null;
  await executor.$executeRaw`
    WITH changed AS (
      UPDATE batch_items SET state = ${end}::batch_item_state, failure_type = ${type}, failure_message = ${message},
                             claim = NULL, finished_at = now()
      WHERE id = ${id}::uuid AND state IN ('waiting', 'claimed', 'started') RETURNING state)
    UPDATE batches SET
      reused = reused + (${end} = 'reused')::int, complete = complete + (${end} = 'complete')::int,
      incomplete = incomplete + (${end} = 'incomplete')::int, failed = failed + (${end} = 'failed')::int,
      cancelled = cancelled + (${end} = 'cancelled')::int
    WHERE id = ${batchId}::uuid AND EXISTS (SELECT 1 FROM changed)`;
}

/** Whether a document's row is of another engine or of other features than a batch asks for. */
export async function isOtherWork(executor: Executor, batchId: string, documentId: string): Promise<boolean> {
  const rows = await executor.$queryRaw<unknown[]>`
    SELECT 1 FROM batches b, documents d
    WHERE b.id = ${batchId}::uuid AND d.id = ${documentId}::uuid
      AND (d.engine <> b.engine OR d.features <> b.features)`;
  return rows.length > 0;
}

/**
 * Puts an item back into the line.
 * @param lost whether Temporal has no workflow of its document
 */
export async function releaseItem(executor: Executor, id: string, { lost }: { lost: boolean }): Promise<void> {
  await executor.$executeRaw`
    UPDATE batch_items SET state = 'waiting', started_at = NULL, asked_at = CASE WHEN ${lost} THEN now() END
    WHERE id = ${id}::uuid AND state = 'started'`;
}

/**
 * Started items whose row does not tell that somebody works on them: soon for those without a row, seldom for the
 * others. Each is handed out once in a while, so that Temporal is asked little.
 */
export async function doubtfulItems(
  executor: Executor,
  batchId: string,
  limit: number,
): Promise<{ id: string; documentId: string }[]> {
  return executor.$queryRaw<{ id: string; documentId: string }[]>`
    UPDATE batch_items SET asked_at = now() WHERE id IN (
      SELECT i.id FROM batch_items i LEFT JOIN documents d ON d.id = i.document_id
      WHERE i.batch_id = ${batchId}::uuid AND i.state = 'started'
        AND coalesce(i.asked_at, i.started_at) < now() -
            CASE WHEN d.status = 'processing' THEN interval '5 minutes' ELSE interval '15 seconds' END
      ORDER BY coalesce(i.asked_at, i.started_at) LIMIT ${limit})
    RETURNING id::text, document_id::text AS "documentId"`;
}

/**
 * When the document of an item was started by another item of the batch; null when none did. One that ended without
 * being started (refused as it stood, or complete before its turn) says nothing about its content.
 */
export async function startOfSameDocument(
  executor: Executor,
  batchId: string,
  item: { id: string; documentId: string },
): Promise<Date | null> {
  const [row] = await executor.$queryRaw<{ startedAt: Date }[]>`
    SELECT started_at AS "startedAt" FROM batch_items
    WHERE batch_id = ${batchId}::uuid AND document_id = ${item.documentId}::uuid AND id <> ${item.id}::uuid
      AND state NOT IN ('waiting', 'cancelled') AND started_at IS NOT NULL ORDER BY started_at LIMIT 1`;
  return row?.startedAt ?? null;
}

/** An item whose document another item has started: it ends as that one does. */
export async function followItem(executor: Executor, id: string, startedAt: Date): Promise<void> {
  await executor.$executeRaw`
    UPDATE batch_items SET state = 'started', started_at = ${startedAt} WHERE id = ${id}::uuid AND state = 'waiting'`;
}
