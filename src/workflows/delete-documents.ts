import {
  ActivityFailure,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setWorkflowOptions,
  workflowInfo,
} from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import type { DeleteDocumentsInput, DeleteDocumentsResult } from "../contract/delete-documents.ts";
import { documentWorkflowId } from "../contract/document-id.ts";
import { failureOf } from "./document-failure.ts";
import { type FieldRule, flag, isUuid, listOf, optional, requireInput, text } from "./require-input.ts";
import { retryPolicies } from "./retry-policies.ts";
import { versionedAs } from "./versioning.ts";

// Behind everything that somebody waits for.
const priority = { priorityKey: 5 };
const { deleteDocument } = proxyActivities<Activities>({ ...retryPolicies.deletion, priority });
const { listDocumentsToDelete } = proxyActivities<Activities>({ ...retryPolicies.database, priority });

/** Documents between two new runs: some ten events each. */
const documentsARun = 500;
const mostFailures = 100;

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
  requireInput(input, fields, { further: scopeProblem });
  // Only a run that goes on for another has one before it.
  const goesOn = workflowInfo().continuedFromExecutionRunId !== undefined;
  const done: Done = (goesOn ? before : undefined) ?? { deleted: 0, objects: 0, failed: [], after: null };
  let thisRun = 0;
  for await (const documentId of documentsOf(input, done)) {
    if (thisRun >= documentsARun) await continueAsNew<typeof deleteDocuments>(input, done);
    thisRun += 1;
    try {
      // What a retention finds has ended.
      if ((input.olderThanDays ?? null) === null) await cancelRun(documentId);
      const { deleted, objects } = await deleteDocument({
        documentId,
        withSource: input.withSource ?? false,
        requestedBy: input.requestedBy,
        reason: input.reason ?? null,
        olderThanDays: input.olderThanDays,
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
  if (documentIds) {
    const named = documentIds.map((id) => id.toLowerCase());
    const once = [...new Set(named)];
    // Where an id is named twice, a run that goes on after it would begin again after the first of the two.
    const ids = once.length < named.length && patched("an-id-is-deleted-once") ? once : named;
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

const fields: Record<keyof DeleteDocumentsInput, FieldRule> = {
  documentIds: optional(listOf("UUIDs", isUuid, 1000)),
  project: optional(text),
  olderThanDays: optional({ holds: (days) => typeof days === "number" && days >= 0, must: "must be a number of days" }),
  withSource: optional(flag),
  requestedBy: text,
  reason: optional({ holds: (value) => typeof value === "string", must: "must be text" }),
};

function scopeProblem({ documentIds, project }: DeleteDocumentsInput): string | null {
  const eitherOr = Boolean(documentIds) !== Boolean(project);
  return eitherOr ? null : "either documentIds or project is needed";
}
