import { DocketError } from "../contract/failures.ts";
import type { Executor } from "./document-events.ts";

/**
 * Asks, and holds until the transaction ends, that a run owns the document and has not settled it.
 * @throws {DocketError} `Superseded` otherwise: what an overtaken run knows must not reach the document any more
 */
export async function requireOwner(executor: Executor, documentId: string, runId: string): Promise<void> {
  const rows = await executor.$queryRaw<unknown[]>`
    SELECT 1 FROM documents
    WHERE id = ${documentId}::uuid AND run_id = ${runId} AND status = 'processing' FOR SHARE`;
  if (rows.length === 0) throw superseded(documentId, runId);
}

/** What a run is told that may not write to a document any more. */
export function superseded(documentId: string, runId: string): DocketError {
  return new DocketError("Superseded", `Document ${documentId} belongs to a newer run than ${runId}.`);
}
