import type { Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

/** Final states of an item, each with its counter in the batch's row. */
export type ItemEnd = "reused" | "complete" | "incomplete" | "failed" | "cancelled";

/**
 * Selects, for a row `begun` of what a batch has started, the ends (`id`, `kind`, `detail`) that the document's trail tells
 * of the work that the batch asks for, since then.
 */
export const endsInTrail = Prisma.sql`
  SELECT e.id, e.kind, e.detail
  FROM document_events e CROSS JOIN LATERAL (
    SELECT c.detail FROM document_events c
    WHERE c.document_id = e.document_id AND c.kind = 'record-created' AND c.id < e.id
    ORDER BY c.id DESC LIMIT 1) AS run
  WHERE e.document_id = begun.document_id AND e.at >= begun.started_at
    AND e.kind IN ('completed', 'incomplete', 'failed')
    AND run.detail ->> 'engine' = begun.engine::text AND run.detail -> 'features' = to_jsonb(begun.features)`;

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
        FROM (${endsInTrail}) AS e ORDER BY e.id DESC LIMIT 1) AS told
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

/** Puts an item back into the line of whose document Temporal has no workflow. */
export async function releaseLostItem(executor: Executor, id: string): Promise<void> {
  await executor.$executeRaw`
    UPDATE batch_items SET state = 'waiting', started_at = NULL, asked_at = now()
    WHERE id = ${id}::uuid AND state = 'started'`;
}

/** Puts all of a batch's items of one document back into the line at once: one that is left would be followed by the others. */
export async function releaseItemsOf(executor: Executor, batchId: string, documentId: string): Promise<void> {
  await executor.$executeRaw`
    UPDATE batch_items SET state = 'waiting', started_at = NULL, asked_at = NULL
    WHERE batch_id = ${batchId}::uuid AND document_id = ${documentId}::uuid AND state = 'started'`;
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
