import { heartbeat } from "@temporalio/activity";
import { v5 as uuidv5 } from "uuid";
import type { DocumentLocation } from "../contract/process-document.ts";
import { documentBreaker } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import { claimForDeletion, type DocumentToDelete, deleteRows } from "../database/delete-document-rows.ts";
import { isOwnUpload } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { copyPrefix } from "./copy-key.ts";
import { removeObjects, unlessBucketMissing } from "./remove-objects.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface DeleteRequest {
  documentId: string;
  withSource: boolean;
  requestedBy: string;
  reason: string | null;
  /** Only if the document ended this many days ago or more, as when it was listed; undefined: in any case. */
  olderThanDays?: number | undefined;
}

/** What became of one document; one that is not there, or that a retention does not mean any more, is not deleted. */
export interface DocumentDeleted {
  deleted: boolean;
  objects: number;
}

const deletionNamespace = "0f0e1c1a-6f0a-4c39-93f3-2a4f5d6b8c11";

/**
 * Removes a document: the objects that Docket made of it (uploads, also those under way, raw results, copies), then, in one transaction, its
 * rows, in whose place one row of `deletions` stays. The owner's own object is only touched where that was asked for.
 *
 * First the deletion takes the document over, so that no run writes to it any more, and the rows go last: whatever is
 * interrupted is found again by them. A document that is handed in meanwhile is taken over again, and the deletion ends
 * with `Superseded` instead of removing what the new run has written.
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
    const document = await claimForDeletion(database, documentId, { runId, workflowId }, request.olderThanDays);
    if (document === null) {
      const earlier = await database.deletion.findUnique({ where: { id } });
      return { deleted: earlier !== null, objects: earlier?.objects ?? 0 };
    }
    return stayAlive(async () => {
      let objects = 0;
      for (const { bucket, prefix } of placesOf(document)) {
        // First: an upload that ended meanwhile is an object, and is found as one.
        await abortUploads(bucket, prefix);
        objects += await removeObjects(storage, bucket, prefix, () => heartbeat());
      }
      const source: DocumentLocation = { bucket: document.bucket, key: document.key };
      const sourceDeleted = request.withSource && !isOwnUpload(source);
      if (sourceDeleted) objects += await removeObject(source);
      const { requestedBy, reason } = request;
      await deleteRows(database, document, {
        id,
        runId,
        requestedBy,
        reason,
        objects,
        sourceDeleted,
        breaker: documentBreaker(documentId),
      });
      return { deleted: true, objects };
    });
  };

  /** Everything that Docket writes of a document stands below these. */
  function placesOf({ documentId, project, bucket, key }: DocumentToDelete): { bucket: string; prefix: string }[] {
    const own = [`documents/${project}/${documentId}/`, `textract/${documentId}/`, copyPrefix(documentId)];
    const places = own.map((prefix) => ({ bucket: ports.bucket, prefix }));
    if (ports.stagingBucket !== undefined) places.push({ bucket: ports.stagingBucket, prefix: copyPrefix(documentId) });
    // Handed in when another bucket was configured.
    const upload = `documents/${project}/${documentId}/`;
    if (bucket !== ports.bucket && key.startsWith(upload)) places.push({ bucket, prefix: upload });
    return places;
  }

  async function abortUploads(bucket: string, prefix: string): Promise<void> {
    await storage.abortUploads(bucket, prefix).catch(unlessBucketMissing(0));
  }

  async function removeObject({ bucket, key }: DocumentLocation): Promise<number> {
    const objects = await storage.listVersions(bucket, key).catch(unlessBucketMissing([]));
    const versions = objects.filter((object) => object.key === key);
    for (const object of versions) await storage.remove({ bucket, ...object });
    return versions.length;
  }
}
