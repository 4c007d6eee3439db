import type { Registry } from "prom-client";
import type { Database } from "../database/client.ts";
import { readDocumentsState } from "../database/documents-state.ts";
import { keptReading } from "./kept-reading.ts";
import { stateGauges } from "./state-gauges.ts";

/**
 * Gauges of all documents, read from the database at most every ten seconds. They are the same in every worker's
 * metrics: take the maximum over workers, never the sum. While the database does not answer they are left out.
 */
export function registerDocumentMetrics(registry: Registry, database: Database): void {
  const read = keptReading(() => readDocumentsState(database), { keepMilliseconds: 10_000, answerMilliseconds: 3000 });
  const gauge = stateGauges(registry, read);

  gauge("docket_documents", "Documents by status and failure type.", ["status", "failure"], (it, { documents }) => {
    for (const { status, failure, count } of documents) it.set({ status, failure }, count);
  });
  gauge("docket_pages_stored", "Pages whose text is stored.", [], (it, { documents }) =>
    it.set(documents.reduce((sum, { pages }) => sum + pages, 0)),
  );
  gauge(
    "docket_cost_usd",
    "US dollars for the paid Textract jobs of documents that have ended, also of those deleted since.",
    [],
    (it, { documents, deletedCost }) => it.set(documents.reduce((sum, { cost }) => sum + cost, deletedCost)),
  );
  gauge("docket_oldest_open_document_seconds", "Age of the document that is open for longest; 0: none.", [], (it, s) =>
    it.set(s.oldestOpenSeconds ?? 0),
  );
  gauge(
    "docket_results_expiring",
    "Paid results that are not stored and that Textract forgets within a day.",
    [],
    (it, s) => it.set(s.expiringResults),
  );
}
