import type { ProcessDocumentResult } from "../contract/process-document.ts";
import { documentBreaker, recordSuccess } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { superseded } from "../database/document-owner.ts";
import { completeResult } from "../database/document-results.ts";
import { webhooksOfDocument } from "../database/webhooks.ts";
import { currentRun } from "./run-identity.ts";

export interface CompleteRequest {
  documentId: string;
  expectedPages: number;
}

/** The document's result, and whom its workflow is to tell. */
export type DocumentCompleted = ProcessDocumentResult & { webhooks?: string[] };

/**
 * Writes the final state with its totals. Only the run that owns the document can, and only once.
 *
 * Idempotent: the update asks for the state before it; a second call finds the document complete and answers the same.
 */
export function createCompleteDocument(ports: { database: Database }) {
  return async function completeDocument(request: CompleteRequest): Promise<DocumentCompleted> {
    const { documentId, expectedPages } = request;
    const { runId } = currentRun();
    return ports.database.$transaction(async (transaction) => {
      await transaction.$executeRaw`
        DELETE FROM pages p USING documents d
        WHERE p.document_id = ${documentId}::uuid AND p.number > ${expectedPages}
          AND d.id = p.document_id AND d.run_id = ${runId} AND d.status = 'processing'`;
      await transaction.$executeRaw`
        UPDATE documents d SET
          status = 'complete', expected_pages = ${expectedPages}, stored_pages = total.pages,
          characters = total.characters, mean_confidence = total.confidence, finished_at = now(), missing_pages = NULL,
          cost_usd = (SELECT coalesce(sum(cost_usd), 0) FROM textract_jobs WHERE document_id = d.id)
        FROM (SELECT count(*)::int AS pages, coalesce(sum(characters), 0)::int AS characters,
                     round(avg(confidence)::numeric, 2) AS confidence
              FROM pages WHERE document_id = ${documentId}::uuid) AS total
        WHERE d.id = ${documentId}::uuid AND d.run_id = ${runId} AND d.status = 'processing'`;
      const complete = await completeResult(transaction, documentId);
      if (complete === null) throw superseded(documentId, runId);
      await recordSuccess(transaction, documentBreaker(documentId));
      await recordEvent(transaction, { documentId, runId, kind: "completed", detail: { ...complete.result } });
      const webhooks = await webhooksOfDocument(transaction, documentId);
      return webhooks.length === 0 ? complete.result : { ...complete.result, webhooks };
    });
  };
}
