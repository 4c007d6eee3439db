import type { ProcessDocumentResult } from "../contract/process-document.ts";
import { closeBreaker, documentBreaker, recordSuccess } from "../database/circuit-breakers.ts";
import { byDriver, type Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { superseded } from "../database/document-owner.ts";
import { completeResult, resultAsJson } from "../database/document-results.ts";
import { selectWebhooks, webhooksOfDocument } from "../database/webhooks.ts";
import { currentRun } from "./run-identity.ts";

export interface CompleteRequest {
  documentId: string;
  expectedPages: number;
}

/** The document's result, and whom its workflow is to tell. */
export type DocumentCompleted = ProcessDocumentResult & { webhooks?: string[] };

/**
 * Writes the final state with its totals. Only the run that owns the document can, and only once: one statement, in which
 * everything else hangs on the row that it completes.
 *
 * Idempotent: the update asks for the state before it; a second call finds the document complete and answers the same.
 */
export function createCompleteDocument({ database }: { database: Database }) {
  return async function completeDocument(request: CompleteRequest): Promise<DocumentCompleted> {
    const { runId } = currentRun();
    const { result, webhooks } = (await complete(request, runId)) ?? (await completeBefore(request, runId));
    return webhooks.length === 0 ? result : { ...result, webhooks };
  };

  /** @returns null where the run does not own the document, or the document has ended */
  async function complete({ documentId, expectedPages }: CompleteRequest, runId: string): Promise<Ended | null> {
    const [ended] = await byDriver(database).$queryRaw<Ended[]>`
      WITH total AS (
        SELECT count(*)::int AS pages, coalesce(sum(characters), 0)::int AS characters,
               round(avg(confidence)::numeric, 2) AS confidence
        FROM pages WHERE document_id = ${documentId}::uuid AND number <= ${expectedPages}::int),
      complete AS (
        UPDATE documents d SET
          status = 'complete', expected_pages = ${expectedPages}::int, stored_pages = total.pages,
          characters = total.characters, mean_confidence = total.confidence, finished_at = now(), missing_pages = NULL,
          cost_usd = (SELECT coalesce(sum(cost_usd), 0) FROM textract_jobs WHERE document_id = d.id)
        FROM total
        WHERE d.id = ${documentId}::uuid AND d.run_id = ${runId} AND d.status = 'processing'
        RETURNING d.*),
      surplus AS (
        DELETE FROM pages USING complete
        WHERE pages.document_id = complete.id AND pages.number > complete.expected_pages),
      breaker AS (${closeBreaker(documentBreaker(documentId))} AND EXISTS (SELECT 1 FROM complete)),
      ended AS (SELECT ${resultAsJson} AS result FROM complete d JOIN projects p ON p.id = d.project_id),
      told AS (
        INSERT INTO document_events (document_id, run_id, kind, detail)
        SELECT ${documentId}::uuid, ${runId}, 'completed', result::jsonb FROM ended ON CONFLICT DO NOTHING)
      SELECT result, ARRAY(${selectWebhooks(documentId)}) AS webhooks FROM ended`;
    return ended ?? null;
  }

  async function completeBefore({ documentId }: CompleteRequest, runId: string): Promise<Ended> {
    const executor = byDriver(database);
    const before = await completeResult(executor, documentId);
    if (before === null) throw superseded(documentId, runId);
    const { result } = before;
    await recordSuccess(executor, documentBreaker(documentId));
    await recordEvent(executor, { documentId, runId, kind: "completed", detail: { ...result } });
    return { result, webhooks: await webhooksOfDocument(executor, documentId) };
  }
}

interface Ended {
  result: ProcessDocumentResult;
  webhooks: string[];
}
