import { getClient } from "@temporalio/activity";
import { v5 as uuidv5 } from "uuid";
import { DocketError, failureTable } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { documentBreaker } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import {
  batchesThatAwait,
  claimForDeletion,
  type DocumentToDelete,
  deleteRows,
  noteFailedDeletion,
  whileDeleting,
} from "../database/delete-document-rows.ts";
import { isOwnUpload } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { copyPrefix } from "./copy-key.ts";
import { type Guard, removeObjects, unlessBucketMissing } from "./remove-objects.ts";
import { removeSource } from "./remove-source.ts";
import { currentRun } from "./run-identity.ts";
import { runningBatches } from "./running-batches.ts";
import { stayAlive } from "./stay-alive.ts";
import { toDocketError } from "./to-docket-error.ts";

export interface DeleteRequest {
  documentId: string;
  withSource: boolean;
  requestedBy: string;
  reason: string | null;
  /**
   * Only if the document ended this many days ago or more, as when it was listed, and no batch under way is to hand it in
   * again; undefined: in any case.
   */
  olderThanDays?: number | undefined;
}

/** What became of one document; one that is not there, or that a retention does not mean any more, is not deleted. */
export interface DocumentDeleted {
  deleted: boolean;
  objects: number;
}

const remedyOfForbidden =
  "Allow s3:ListBucketVersions, s3:DeleteObject and s3:DeleteObjectVersion there for the workers' credentials " +
  "(docs/iam-policy.md), then delete the document again.";
const deletionNamespace = "0f0e1c1a-6f0a-4c39-93f3-2a4f5d6b8c11";

/**
 * Removes a document: the objects that Docket made of it (uploads, also those under way, raw results, copies), then, in
 * one transaction, its rows, in whose place one row of `deletions` stays. The owner's own object is only touched where
 * that was asked for.
 *
 * First the deletion takes the document over, so that no run writes to it any more, and the rows go last: whatever is
 * interrupted is found again by them. A document that is handed in meanwhile is taken over again, and the deletion ends
 * with `Superseded` instead of removing what the new run has written: objects are removed only while the document's row
 * is held.
 *
 * Idempotent: deleting what is not there is no error, and the row of `deletions` is derived from run and document.
 */
export function createDeleteDocument(ports: {
  database: Database;
  storage: ObjectStorage;
  bucket: string;
  stagingBucket: string | undefined;
}) {
  const { database, storage } = ports;
  return async function deleteDocument(request: DeleteRequest): Promise<DocumentDeleted> {
    // As PostgreSQL has it, and so the keys of all objects.
    const documentId = request.documentId.toLowerCase();
    const { runId, workflowId } = currentRun();
    const id = uuidv5(`${runId}\n${documentId}`, deletionNamespace);
    if (request.olderThanDays != null && (await isAwaited(documentId, runId))) return { deleted: false, objects: 0 };
    const document = await claimForDeletion(database, documentId, { runId, workflowId }, request.olderThanDays);
    if (document === null) {
      const earlier = await database.deletion.findUnique({ where: { id } });
      return { deleted: earlier !== null, objects: earlier?.objects ?? 0 };
    }
    const guard: Guard = (work) => whileDeleting(database, { documentId, runId }, work);
    return stayAlive(async () => {
      try {
        const { objects, sourceDeleted } = await removeAll(document, request.withSource, guard);
        const { requestedBy, reason } = request;
        const breaker = documentBreaker(documentId);
        await deleteRows(database, document, { id, runId, requestedBy, reason, objects, sourceDeleted, breaker });
        return { deleted: true, objects };
      } catch (error) {
        throw await told({ documentId, runId }, error);
      }
    });
  };

  /** A batch that is under way hands the document in again, and needs its object: a retention comes back another day. */
  async function isAwaited(documentId: string, runId: string): Promise<boolean> {
    const batches = await batchesThatAwait(database, documentId, runId);
    return batches.length > 0 && (await runningBatches(getClient(), batches)).size > 0;
  }

  async function removeAll(document: DocumentToDelete, withSource: boolean, guard: Guard) {
    let objects = 0;
    for (const { bucket, prefix } of placesOf(document)) {
      // First: an upload that ended meanwhile is an object, and is found as one.
      await guard(async () => void (await storage.abortUploads(bucket, prefix).catch(unlessBucketMissing(0))));
      objects += await removeObjects(storage, bucket, prefix, guard);
    }
    const { bucket, key, version, etag } = document;
    const source: DocumentLocation = { bucket, key, ...(version === null ? {} : { version }) };
    if (!withSource || isOwnUpload(source)) return { objects, sourceDeleted: false };
    const removed = await removeSource(storage, source, etag, guard);
    return { objects: objects + removed.objects, sourceDeleted: removed.gone };
  }

  /** Everything that Docket writes of a document stands below these. */
  function placesOf({ documentId, project, bucket, key }: DocumentToDelete): { bucket: string; prefix: string }[] {
    const upload = `documents/${project}/${documentId}/`;
    const own = [upload, `textract/${documentId}/`, copyPrefix(documentId)];
    // Docket's bucket when the document was handed in: the setting may name another one by now.
    const buckets = new Set([ports.bucket, ...(key.startsWith(upload) ? [bucket] : [])]);
    const places = [...buckets].flatMap((ours) => own.map((prefix) => ({ bucket: ours, prefix })));
    if (ports.stagingBucket !== undefined) places.push({ bucket: ports.stagingBucket, prefix: copyPrefix(documentId) });
    return places;
  }

  /** Whoever looks at a document that could not be deleted is told why, unless it passes by itself. */
  async function told(of: { documentId: string; runId: string }, error: unknown): Promise<unknown> {
    const { type, message, remedy } = toDocketError(error);
    const { retry } = failureTable[type];
    if (type === "Superseded" || (retry !== "never" && retry !== "limited")) return error;
    const forbidden = type === "ObjectForbidden";
    const cure = forbidden ? remedyOfForbidden : `${remedy} Then delete the document again.`;
    await noteFailedDeletion(database, of, { type, message, remedy: cure });
    return forbidden ? new DocketError(type, message, { remedy: cure, cause: error }) : error;
  }
}
