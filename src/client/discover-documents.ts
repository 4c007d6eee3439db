import { processDocumentType } from "../contract/process-document.ts";
import type { Services } from "./connect.ts";
import type { Followable } from "./follow-documents.ts";
import { type DocumentFilter, listDocuments, readDocuments, resolveDocument } from "./read-documents.ts";

/** A document to follow, by the name to show. */
export interface Discovered extends Followable {
  fileName: string | null;
}

const idOfWorkflow = /^document\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * The named documents, or all that have not ended: those that the database knows, and those whose workflow is started
 * while no worker has written their record yet.
 */
export async function* discover(
  services: Services,
  references: string[],
  filter: DocumentFilter,
): AsyncGenerator<Discovered> {
  if (references.length > 0) {
    const ids = new Set<string>();
    for (const reference of references) ids.add(await resolveDocument(services.database, reference));
    for (const record of await readDocuments(services.database, [...ids])) yield { ...record, runId: null };
    return;
  }
  const seen = new Set<string>();
  for await (const record of listDocuments(services.database, { ...filter, status: ["received", "processing"] })) {
    seen.add(record.documentId);
    yield { ...record, runId: null };
  }
  const ofProject = filter.project === undefined ? "" : ` AND DocketProject = "${filter.project}"`;
  const query = `WorkflowType = "${processDocumentType}" AND ExecutionStatus = "Running"${ofProject}`;
  for await (const { workflowId, runId } of services.temporal.workflow.list({ query })) {
    // The id of a workflow that another program started says nothing of the document: its record will.
    const documentId = idOfWorkflow.exec(workflowId)?.[1];
    if (documentId === undefined || seen.has(documentId)) continue;
    yield { documentId, workflowId, runId, engine: "textract", fileName: null };
  }
}
