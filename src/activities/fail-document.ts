import type { Failure } from "../contract/failures.ts";
import { documentBreaker, documentRules, recordFailure } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { currentRun } from "./run-identity.ts";

export interface FailRequest {
  documentId: string;
  failure: Failure;
}

/**
 * Writes how the document failed. Pages that were stored are kept; what was paid stays in the ledger.
 *
 * Idempotent: only the run that owns the document, and only from `processing`, so that neither a second call nor a
 * run that was overtaken changes a final state.
 */
export function createFailDocument(ports: { database: Database }) {
  return async function failDocument({ documentId, failure }: FailRequest): Promise<void> {
    const { runId } = currentRun();
    const status = failure.type === "Cancelled" ? "cancelled" : "failed";
    await ports.database.$transaction(async (transaction) => {
      const changed = await transaction.$executeRaw`
        UPDATE documents d SET
          status = ${status}::document_status, failure_type = ${failure.type}, failure_message = ${failure.message},
          failure_remedy = ${failure.remedy}, finished_at = now(),
          stored_pages = (SELECT count(*) FROM pages WHERE document_id = d.id),
          cost_usd = (SELECT coalesce(sum(cost_usd), 0) FROM textract_jobs WHERE document_id = d.id)
        WHERE d.id = ${documentId}::uuid AND d.run_id = ${runId} AND d.status = 'processing'`;
      if (changed > 0) {
        await recordEvent(transaction, { documentId, runId, kind: "failed", detail: { ...failure } });
        if (status === "failed") {
          await recordFailure(
            transaction,
            documentBreaker(documentId),
            documentRules,
            `${failure.type}: ${failure.message}`,
          );
        }
      }
    });
  };
}
