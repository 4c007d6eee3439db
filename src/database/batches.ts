import type { Feature } from "../contract/features.ts";
import type { BatchCounts, BatchSettings } from "../contract/process-batch.ts";
import type { Engine } from "../contract/process-document.ts";
import type { Executor } from "./document-events.ts";

/** A batch as its row has it. */
export interface BatchRow {
  id: string;
  source: string;
  project: string;
  engine: Engine;
  features: Feature[];
  force: boolean;
  state: "running" | "paused" | "cancelled" | "finished";
  priority: number;
  window: number;
  bucket: string | null;
  prefix: string | null;
  listedKey: string | null;
  onlyNew: boolean;
  waitingFor: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  counts: BatchCounts;
}

export interface NewBatch {
  id: string;
  source: string;
  project: string;
  engine: Engine;
  features: readonly Feature[];
  force: boolean;
  priority: number;
  window: number;
  /** An S3 prefix to list; null where the items are written by the caller. */
  prefix: { bucket: string; prefix: string } | null;
  onlyNew: boolean;
}

/** Writes a batch's row; one that is there already stays as it is. */
export async function createBatch(executor: Executor, batch: NewBatch): Promise<void> {
  const { bucket = null, prefix = null } = batch.prefix ?? {};
  await executor.$executeRaw`
    INSERT INTO batches (id, source, project, engine, features, force, priority, "window", bucket, prefix, only_new)
    VALUES (${batch.id}::uuid, ${batch.source}, ${batch.project}, ${batch.engine}::engine, ${batch.features}::text[],
            ${batch.force}, ${batch.priority}, ${batch.window}, ${bucket}, ${prefix}, ${batch.onlyNew})
    ON CONFLICT (id) DO NOTHING`;
}

type Row = Omit<BatchRow, "counts"> &
  Omit<BatchCounts, "waiting" | "underWay" | "listed"> & { closedAt: Date | null; underWay: number };

/** Batches with their counts, the newest first; by id where one is named. */
export async function readBatches(executor: Executor, which: { id?: string; limit?: number }): Promise<BatchRow[]> {
  const rows = await executor.$queryRaw<Row[]>`
    SELECT b.id::text, b.source, b.project, b.engine::text, b.features, b.force, b.state::text, b.priority::int, b."window",
           b.bucket, b.prefix, b.listed_key AS "listedKey", b.only_new AS "onlyNew", b.waiting_for AS "waitingFor",
           b.created_at AS "createdAt", b.finished_at AS "finishedAt", b.closed_at AS "closedAt",
           b.total, b.reused, b.complete, b.incomplete, b.failed, b.cancelled,
           -- Never more than the window.
           (SELECT count(*)::int FROM batch_items i
            WHERE i.batch_id = b.id AND i.state IN ('claimed', 'started')) AS "underWay"
    FROM batches b
    WHERE ${which.id ?? null}::uuid IS NULL OR b.id = ${which.id ?? null}::uuid
    ORDER BY b.created_at DESC LIMIT ${which.limit ?? 100}`;
  return rows.map(({ total, reused, complete, incomplete, failed, cancelled, underWay, closedAt, ...batch }) => {
    const ended = reused + complete + incomplete + failed + cancelled;
    const waiting = total - ended - underWay;
    const counts = { total, waiting, underWay, reused, complete, incomplete, failed, cancelled };
    return { ...batch, counts: { ...counts, listed: closedAt !== null } };
  });
}

/** Takes over what the workflow was told; a batch that has ended keeps its state. */
export async function writeSettings(executor: Executor, id: string, settings: BatchSettings): Promise<void> {
  const { paused, window, priority } = settings;
  const state = paused ? "paused" : "running";
  await executor.$executeRaw`
    UPDATE batches SET state = ${state}::batch_state, "window" = ${window}, priority = ${priority}
    WHERE id = ${id}::uuid AND state IN ('running', 'paused')
      AND (state, "window", priority) IS DISTINCT FROM (${state}::batch_state, ${window}, ${priority}::smallint)`;
}

/** Writes what the batch waits for, for whoever looks at it. */
export async function writeWaiting(executor: Executor, id: string, waitingFor: string | null): Promise<void> {
  await executor.$executeRaw`
    UPDATE batches SET waiting_for = ${waitingFor} WHERE id = ${id}::uuid AND waiting_for IS DISTINCT FROM ${waitingFor}`;
}

/** No more items will come. */
export async function closeBatch(executor: Executor, id: string): Promise<void> {
  await executor.$executeRaw`UPDATE batches SET closed_at = coalesce(closed_at, now()) WHERE id = ${id}::uuid`;
}

/** The end of a batch: items that were not begun are cancelled. A batch that has ended stays as it is. */
export async function finishBatchRow(executor: Executor, id: string, state: "cancelled" | "finished"): Promise<void> {
  await executor.$executeRaw`
    WITH left_over AS (
      UPDATE batch_items SET state = 'cancelled', finished_at = now(), claim = NULL
      WHERE batch_id = ${id}::uuid AND state IN ('waiting', 'claimed') RETURNING 1)
    UPDATE batches SET
      cancelled = cancelled + (SELECT count(*) FROM left_over)::int, waiting_for = NULL,
      state = CASE WHEN state IN ('running', 'paused') THEN ${state}::batch_state ELSE state END,
      finished_at = coalesce(finished_at, now()), closed_at = coalesce(closed_at, now())
    WHERE id = ${id}::uuid`;
}
