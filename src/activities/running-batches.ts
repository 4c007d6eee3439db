import type { Client } from "@temporalio/client";
import { processBatchType } from "../contract/process-batch.ts";
import { searchAttributes } from "../contract/search-attributes.ts";
import { temporalAnswer } from "./temporal-answer.ts";

/** Batches that one question names. */
const mostNamed = 50;

/**
 * Which of some batches have a workflow that is running, as the list of workflows has it: that is a moment behind, so
 * that one that began or ended just now may be missed.
 * @throws {DocketError} `TemporalUnavailable`
 */
export async function runningBatches(client: Client, batchIds: readonly string[]): Promise<Set<string>> {
  const running = new Set<string>();
  for (let next = 0; next < batchIds.length; next += mostNamed) {
    const names = batchIds.slice(next, next + mostNamed).map((id) => `"${id}"`);
    const batches = `${searchAttributes.batch.name} IN (${names.join()})`;
    const query = `WorkflowType = "${processBatchType}" AND ExecutionStatus = "Running" AND ${batches}`;
    await temporalAnswer(client, "which batches are running", async () => {
      for await (const workflow of client.workflow.list({ query })) {
        const id = workflow.typedSearchAttributes.get(searchAttributes.batch);
        if (id !== undefined) running.add(id);
      }
    });
  }
  return running;
}
