import { type Client, WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { documentWorkflowId } from "../contract/document-id.ts";
import { searchAttributes } from "../contract/search-attributes.ts";
import {
  doubtfulItems,
  type ItemEnd,
  isOtherWork,
  releaseItemsOf,
  releaseLostItem,
  settleItem,
  settleItems,
} from "../database/batch-item-ends.ts";
import type { Database } from "../database/client.ts";
import { readOwner } from "../database/document-owner.ts";
import { releaseBudget } from "../database/project-budgets.ts";
import { temporalAnswer } from "./temporal-answer.ts";

/** Workflows that one look asks about. */
const mostAsked = 20;

const ends: Record<string, ItemEnd> = {
  COMPLETED: "complete",
  FAILED: "failed",
  CANCELED: "cancelled",
  TERMINATED: "failed",
  TIMED_OUT: "failed",
};

/**
 * Asks Temporal about documents whose row does not tell that they ended: a workflow that was refused, terminated, or
 * forgotten writes no row. A workflow that is not there is started again.
 * @throws {DocketError} `TemporalUnavailable`
 */
export async function askTemporal(database: Database, client: Client, batchId: string): Promise<void> {
  for (const { id, documentId } of await doubtfulItems(database, batchId, mostAsked)) {
    const workflowId = documentWorkflowId(documentId);
    const ask = <T>(call: () => Promise<T>) => temporalAnswer(client, `how ${workflowId} ended`, call);
    try {
      const { status, runId, typedSearchAttributes } = await ask(() =>
        client.workflow.getHandle(workflowId).describe(),
      );
      const end = ends[status.name];
      if (end === undefined) continue;
      // No activity ran when it was terminated: what is reserved for it is given back here.
      if ((await readOwner(database, documentId))?.runId === runId) await releaseBudget(database, documentId);
      // A run of somebody else's, and it read something else. One that the batch has started says how that ended, also
      // where it was refused before it had made the row its own.
      const isOwn = typedSearchAttributes.get(searchAttributes.batch) === batchId;
      if (!isOwn && (await isOtherWork(database, batchId, documentId))) {
        // What the batch asks for may have ended since it looked, before that other run.
        await settleItems(database, batchId);
        await releaseItemsOf(database, batchId, documentId);
        continue;
      }
      // Of this very run: should the document be under way again by now, its end is not to be waited for.
      const run = client.workflow.getHandle(workflowId, runId, { followRuns: false });
      const failure = end === "failed" ? await ask(() => failureOf(() => run.result())) : null;
      await settleItem(database, batchId, id, end, failure);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await releaseLostItem(database, id);
    }
  }
}

async function failureOf(result: () => Promise<unknown>): Promise<{ type: string; message: string } | null> {
  try {
    await result();
    return null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const type = (cause instanceof ApplicationFailure ? cause.type : null) ?? "Internal";
    return { type, message: cause?.message ?? error.message };
  }
}
