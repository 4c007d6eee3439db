import { DocketError, type Failure } from "../contract/failures.ts";
import type { ProcessBatchResult } from "../contract/process-batch.ts";
import { confirmClaim } from "../database/batch-item-turns.ts";
import { finishBatchRow, readBatches } from "../database/batches.ts";
import type { Database } from "../database/client.ts";

export interface FinishRequest {
  batchId: string;
  state: "finished" | "cancelled";
  /** The claim whose documents the workflow has started. */
  started: string | null;
  /** Why it is cancelled, where nobody asked for that. */
  failure?: Failure;
}

const nothing = {
  ...{ total: 0, listed: true, waiting: 0, underWay: 0 },
  ...{ reused: 0, complete: 0, incomplete: 0, failed: 0, cancelled: 0 },
};

/**
 * Writes the end of a batch. Documents that were not begun are cancelled with it; those under way go on.
 *
 * Idempotent: a batch that has ended keeps its state, and nothing is left to cancel.
 */
export function createFinishBatch(ports: { database: Database }) {
  return async function finishBatch(request: FinishRequest): Promise<ProcessBatchResult> {
    const { batchId, state, started, failure = null } = request;
    const { database } = ports;
    await confirmClaim(database, batchId, { started, current: "" });
    await finishBatchRow(database, batchId, state, failure);
    const [batch] = await readBatches(database, { id: batchId });
    if (batch === undefined && state === "finished") return { batchId, state, counts: nothing };
    if (batch === undefined) throw new DocketError("RecordMissing", `Batch ${batchId} has no record.`);
    // A sweep that found nothing new leaves nothing behind, unless it is why it found nothing.
    if (batch.onlyNew && batch.counts.total === 0 && batch.failure === null)
      await database.batch.deleteMany({ where: { id: batchId, total: 0 } });
    return { batchId, state: batch.state === "cancelled" ? "cancelled" : "finished", counts: batch.counts };
  };
}
