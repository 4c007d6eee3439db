import { DocketError } from "../contract/failures.ts";
import type { BatchState, ProcessBatchInput } from "../contract/process-batch.ts";
import { validateBatch } from "../contract/valid-batch.ts";
import { createBatch, readBatches, writeWorkflowId } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import { objectAddress } from "../storage/object-names.ts";
import { currentRun } from "./run-identity.ts";

/**
 * Checks the input and makes the batch's row, or finds the one that whoever handed it in has made.
 *
 * Idempotent: an insert that does nothing where the row is there already, and the workflow's own id.
 */
export function createEnsureBatch(ports: { database: Database }) {
  return async function ensureBatch(input: ProcessBatchInput): Promise<BatchState> {
    const valid = validateBatch(input);
    const { source } = valid;
    const run = currentRun();
    const batchId = valid.batchId ?? run.runId;
    if (source !== undefined) {
      const address = objectAddress({ bucket: source.bucket, key: source.prefix });
      await createBatch(ports.database, { ...valid, id: batchId, source: address, prefix: source });
    }
    await writeWorkflowId(ports.database, batchId, run.workflowId);
    const [row] = await readBatches(ports.database, { id: batchId });
    if (row === undefined) {
      throw new DocketError("InvalidInput", `Batch ${batchId} has no source and no rows in the database.`, {
        remedy: "Name a source (bucket and prefix) in the input, or hand the batch in with `docket batch`.",
      });
    }
    const { window, priority, state, counts } = row;
    return { batchId, settings: { window, priority, paused: state === "paused" }, started: null, counts };
  };
}
