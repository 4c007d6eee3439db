import {
  ActivityFailure,
  ApplicationFailure,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setWorkflowOptions,
  workflowInfo,
} from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import type { DeleteDocumentsInput, DeleteDocumentsResult } from "../contract/delete-documents.ts";
import { documentWorkflowId } from "../contract/document-id.ts";
import { failureOf } from "./document-failure.ts";
import { retryPolicies } from "./retry-policies.ts";
import { versionedAs } from "./versioning.ts";

// Behind everything that somebody waits for.
const priority = { priorityKey: 5 };
const { deleteDocument } = proxyActivities<Activities>({ ...retryPolicies.deletion, priority });
const { listDocumentsToDelete } = proxyActivities<Activities>({ ...retryPolicies.database, priority });

/** Documents between two new runs: some ten events each. */
const documentsARun = 500;
const mostFailures = 100;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What an earlier run of the same deletion has done. */
interface Done extends DeleteDocumentsResult {
  /** The last id that was dealt with. */
  after: string | null;
}

// A deletion of many documents may last for days: it goes on with the current version
// (docs/decisions/0030-documents-keep-their-version.md).
setWorkflowOptions(versionedAs("AUTO_UPGRADE"), deleteDocuments);

/** Removes documents one after another: what is interrupted is gone on with, and one that fails keeps no other back. */
export async function deleteDocuments(input: DeleteDocumentsInput, before?: Done): Promise<DeleteDocumentsResult> {
  requireScope(input);
  const done: Done = before ?? { deleted: 0, objects: 0, failed: [], after: null };
  let thisRun = 0;
  for await (const documentId of documentsOf(input, done)) {
    if (thisRun >= documentsARun) await continueAsNew<typeof deleteDocuments>(input, done);
    thisRun += 1;
    try {
      // What a retention finds has ended.
      if (input.olderThanDays === undefined) await cancelRun(documentId);
      const { deleted, objects } = await deleteDocument({
        documentId,
        withSource: input.withSource ?? false,
        requestedBy: input.requestedBy,
        reason: input.reason ?? null,
      });
      if (deleted) done.deleted += 1;
      done.objects += objects;
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      if (done.failed.length < mostFailures) done.failed.push({ documentId, failure: failureOf(error) });
    }
    done.after = documentId;
    setCurrentDetails(`${done.deleted} documents deleted, ${done.failed.length} failed`);
  }
  const { after: _, ...result } = done;
  return result;
}

async function* documentsOf(input: DeleteDocumentsInput, done: Done): AsyncGenerator<string> {
  const { documentIds, project, olderThanDays } = input;
  if (documentIds !== undefined) {
    const ids = documentIds.map((id) => id.toLowerCase());
    yield* ids.slice(done.after === null ? 0 : ids.indexOf(done.after) + 1);
    return;
  }
  for (;;) {
    const ids = await listDocumentsToDelete({ project: project ?? "", olderThanDays, after: done.after });
    yield* ids;
    if (ids.length === 0) return;
  }
}

/** A run that is under way ends sooner; its writes are refused in any case once the deletion owns the document. */
async function cancelRun(documentId: string): Promise<void> {
  await getExternalWorkflowHandle(documentWorkflowId(documentId))
    .cancel()
    .catch(() => undefined);
}

function requireScope({ documentIds, project, requestedBy }: DeleteDocumentsInput): void {
  const problem =
    (documentIds === undefined) === (project === undefined)
      ? "either documentIds or project is needed"
      : (documentIds?.length ?? 0) > 1000
        ? "at most 1,000 documentIds are taken"
        : documentIds?.some((id) => !uuid.test(id))
          ? "a document's id is a UUID"
          : typeof requestedBy !== "string" || requestedBy === ""
            ? "requestedBy is needed"
            : null;
  if (problem === null) return;
  const message = `The input of ${workflowInfo().workflowType} is not valid: ${problem}.`;
  throw ApplicationFailure.create({ type: "InvalidInput", message, nonRetryable: true });
}
