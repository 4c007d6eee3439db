import type { Failure, FailureType } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { BatchCounts, BatchSettings } from "../contract/process-batch.ts";
import type { Engine } from "../contract/process-document.ts";
import type { Executor } from "./client.ts";

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
  /** Of the workflow that works on it. */
  workflowId: string;
  waitingFor: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  /** Why it ended before its time; null for one that was cancelled on request, or came to its end. */
  failure: Failure | null;
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

/** Writes down which workflow works on a batch: everybody else finds it by that. */
export async function writeWorkflowId(executor: Executor, id: string, workflowId: string): Promise<void> {
  await executor.$executeRaw`
    UPDATE batches SET workflow_id = ${workflowId}
    WHERE id = ${id}::uuid AND coalesce(workflow_id, 'batch/' || id) <> ${workflowId}`;
}

type Row = Omit<BatchRow, "counts" | "failure"> &
  Omit<BatchCounts, "waiting" | "underWay" | "listed"> & {
    closedAt: Date | null;
    underWay: number;
    failureType: FailureType | null;
    failureMessage: string | null;
    failureRemedy: string | null;
  };

/** Batches with their counts, those that have not ended first, then the newest first; by id where one is named. */
export async function readBatches(executor: Executor, which: { id?: string; limit?: number }): Promise<BatchRow[]> {
  const rows = await executor.$queryRaw<Row[]>`
    SELECT b.id::text, b.source, b.project, b.engine::text, b.features, b.force, b.state::text, b.priority::int, b."window",
           b.bucket, b.prefix, b.listed_key AS "listedKey", b.only_new AS "onlyNew", b.waiting_for AS "waitingFor",
           coalesce(b.workflow_id, 'batch/' || b.id) AS "workflowId",
           b.created_at AS "createdAt", b.finished_at AS "finishedAt", b.closed_at AS "closedAt",
           b.failure_type AS "failureType", b.failure_message AS "failureMessage", b.failure_remedy AS "failureRemedy",
           b.total, b.reused, b.complete, b.incomplete, b.failed, b.cancelled,
           -- Never more than the window.
           (SELECT count(*)::int FROM batch_items i
            WHERE i.batch_id = b.id AND i.state IN ('claimed', 'started')) AS "underWay"
    FROM batches b
    WHERE ${which.id ?? null}::uuid IS NULL OR b.id = ${which.id ?? null}::uuid
    ORDER BY b.finished_at IS NOT NULL, b.created_at DESC LIMIT ${which.limit ?? 100}`;
  return rows.map((row) => {
    const { total, reused, complete, incomplete, failed, cancelled, underWay, closedAt, ...others } = row;
    const ended = reused + complete + incomplete + failed + cancelled;
    const waiting = total - ended - underWay;
    const counts = { total, waiting, underWay, reused, complete, incomplete, failed, cancelled };
    const { failureType: type, failureMessage, failureRemedy, ...batch } = others;
    const failure = type === null ? null : { type, message: failureMessage ?? "", remedy: failureRemedy ?? "" };
    return { ...batch, failure, counts: { ...counts, listed: closedAt !== null } };
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

/** No more items will come, and none are taken any more. */
export async function closeBatch(executor: Executor, id: string): Promise<void> {
  await executor.$executeRaw`UPDATE batches SET closed_at = coalesce(closed_at, now()) WHERE id = ${id}::uuid`;
}

/**
 * The end of a batch: items that were not begun are cancelled. A batch that has ended stays as it is.
 * @param failure why a batch is cancelled that nobody asked to cancel
 */
export async function finishBatchRow(
  executor: Executor,
  id: string,
  state: "cancelled" | "finished",
  failure: Failure | null = null,
): Promise<void> {
  const { type = null, message = null, remedy = null } = failure ?? {};
  // By a statement of its own: items that somebody adds at this moment are seen by the next one.
  await closeBatch(executor, id);
  await executor.$executeRaw`
    WITH left_over AS (
      UPDATE batch_items SET state = 'cancelled', finished_at = now(), claim = NULL
      WHERE batch_id = ${id}::uuid AND state IN ('waiting', 'claimed') RETURNING 1),
    failure AS (
      SELECT ${type}::text AS type, ${message}::text AS message, ${remedy}::text AS remedy)
    UPDATE batches SET
      cancelled = cancelled + (SELECT count(*) FROM left_over)::int, waiting_for = NULL,
      state = CASE WHEN finished_at IS NULL THEN ${state}::batch_state ELSE state END,
      failure_type = CASE WHEN finished_at IS NULL THEN failure.type ELSE failure_type END,
      failure_message = CASE WHEN finished_at IS NULL THEN failure.message ELSE failure_message END,
      failure_remedy = CASE WHEN finished_at IS NULL THEN failure.remedy ELSE failure_remedy END,
      finished_at = coalesce(finished_at, now())
    FROM failure WHERE id = ${id}::uuid`;
}
