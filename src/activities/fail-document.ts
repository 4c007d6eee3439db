import type { Failure } from "../contract/failures.ts";
import { documentBreaker, documentRules, recordFailure } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { superseded } from "../database/document-owner.ts";
import { releaseBudget } from "../database/project-budgets.ts";
import { leaveLines } from "../database/textract-line.ts";
import { webhooksOfDocument } from "../database/webhooks.ts";
import type { QuotaGovernor } from "./quota-governor.ts";
import { currentRun } from "./run-identity.ts";

export interface FailRequest {
  documentId: string;
  failure: Failure;
}

/** Whom the document's workflow is to tell. */
export interface DocumentFailed {
  webhooks: string[];
}

/**
 * Writes how the document failed: `incomplete` where some pages are missing, with the list of them. Pages that were
 * stored are kept; what was paid stays in the ledger, and what was reserved for an attempt that never began is given back:
 * money, and a place in line for a job slot.
 *
 * Idempotent: only the run that owns the document, and only from `processing`, so that neither a second call nor a
 * run that was overtaken changes a final state. Such a run is told so (`Superseded`), and ends with its own failure.
 */
export function createFailDocument(ports: { database: Database; governor: Pick<QuotaGovernor, "callNext"> }) {
  return async function failDocument(request: FailRequest): Promise<DocumentFailed> {
    const { lines, ...failed } = await settle(request);
    for (const region of lines) await ports.governor.callNext(region);
    return failed;
  };

  /** @returns also the regions in whose lines the document stood */
  async function settle({ documentId, failure }: FailRequest): Promise<DocumentFailed & { lines: string[] }> {
    const { runId } = currentRun();
    const missing = failure.missingPages ?? [];
    const status = failure.type === "Cancelled" ? "cancelled" : missing.length > 0 ? "incomplete" : "failed";
    return ports.database.$transaction(async (transaction) => {
      // What is left of other content, or of another engine, is not this document's text of that page.
      await transaction.$executeRaw`
        DELETE FROM pages p
        USING documents d LEFT JOIN document_metadata m ON m.document_id = d.id
          CROSS JOIN LATERAL (SELECT coalesce(m.sha256, d.object_version, m.etag) AS content) AS read
        WHERE ${missing.length > 0}::boolean AND p.document_id = ${documentId}::uuid
          AND (p.number = ANY(${missing.map(({ page }) => page)}::int[]) OR p.number > d.expected_pages)
          AND d.id = p.document_id AND d.run_id = ${runId} AND d.status = 'processing'
          AND NOT EXISTS (SELECT 1 FROM textract_jobs j
                          WHERE j.document_id = d.id AND j.job_id = p.written_by AND j.content = read.content)
          AND NOT EXISTS (SELECT 1 FROM document_events e
                          WHERE e.document_id = d.id AND e.run_id = p.written_by AND e.kind = 'recognition-begun'
                            AND e.detail->>'content' = read.content)`;
      const changed = await transaction.$executeRaw`
        UPDATE documents d SET
          status = ${status}::document_status, failure_type = ${failure.type}, failure_message = ${failure.message},
          failure_remedy = ${failure.remedy}, finished_at = now(),
          missing_pages = ${missing.length > 0 ? JSON.stringify(missing) : null}::jsonb,
          stored_pages = total.pages, characters = total.characters, mean_confidence = total.confidence,
          cost_usd = (SELECT coalesce(sum(cost_usd), 0) FROM textract_jobs WHERE document_id = d.id)
        FROM (SELECT count(*)::int AS pages, coalesce(sum(characters), 0)::int AS characters,
                     round(avg(confidence)::numeric, 2) AS confidence
              FROM pages WHERE document_id = ${documentId}::uuid) AS total
        WHERE d.id = ${documentId}::uuid AND d.run_id = ${runId} AND d.status = 'processing'`;
      const lines = changed > 0 ? await leaveLines(transaction, documentId) : [];
      if (changed > 0) {
        await releaseBudget(transaction, documentId);
        const kind = status === "incomplete" ? "incomplete" : "failed";
        await recordEvent(transaction, { documentId, runId, kind, detail: { ...failure } });
        if (status !== "cancelled") {
          await recordFailure(
            transaction,
            documentBreaker(documentId),
            documentRules,
            `${failure.type}: ${failure.message}`,
          );
        }
      }
      // Also when an attempt before this one wrote the state and could not say so.
      const settled = await transaction.document.count({ where: { id: documentId, runId, status } });
      if (settled === 0) throw superseded(documentId, runId);
      return { lines, webhooks: status === "cancelled" ? [] : await webhooksOfDocument(transaction, documentId) };
    });
  }
}
