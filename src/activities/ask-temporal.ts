import { type Client, WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { documentWorkflowId } from "../contract/document-id.ts";
import { doubtfulItems, type ItemEnd, releaseItem, settleItem } from "../database/batch-items.ts";
import type { Database } from "../database/client.ts";

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
 */
export async function askTemporal(database: Database, client: Client, batchId: string): Promise<void> {
  for (const { id, documentId } of await doubtfulItems(database, batchId, mostAsked)) {
    const handle = client.workflow.getHandle(documentWorkflowId(documentId));
    try {
      const { status } = await client.withDeadline(Date.now() + 5000, () => handle.describe());
      const end = ends[status.name];
      if (end === undefined) continue;
      const type = end === "failed" ? await failureTypeOf(() => handle.result()) : null;
      await settleItem(database, batchId, id, end, type);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await releaseItem(database, id);
    }
  }
}

async function failureTypeOf(result: () => Promise<unknown>): Promise<string> {
  try {
    await result();
    return "Internal";
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    return (cause instanceof ApplicationFailure ? cause.type : null) ?? "Internal";
  }
}
