import { DocketError } from "../contract/failures.ts";
import type { ProcessBatchResult } from "../contract/process-batch.ts";
import { confirmClaim } from "../database/batch-items.ts";
import { finishBatchRow, readBatches } from "../database/batches.ts";
import type { Database } from "../database/client.ts";

export interface FinishRequest {
  batchId: string;
  state: "finished" | "cancelled";
  /** The claim whose documents the workflow has started. */
  started: string | null;
}

/**
 * Writes the end of a batch. Documents that were not begun are cancelled with it; those under way go on.
 *
 * Idempotent: a batch that has ended keeps its state, and nothing is left to cancel.
 */
export function createFinishBatch(ports: { database: Database }) {
  return async function finishBatch({ batchId, state, started }: FinishRequest): Promise<ProcessBatchResult> {
    const { database } = ports;
    await confirmClaim(database, batchId, { started, current: "" });
    await finishBatchRow(database, batchId, state);
    const [batch] = await readBatches(database, { id: batchId });
    if (batch === undefined) throw new DocketError("RecordMissing", `Batch ${batchId} has no record.`);
    return { batchId, state: batch.state === "cancelled" ? "cancelled" : "finished", counts: batch.counts };
  };
}
