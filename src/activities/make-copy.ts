import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { isDeleted } from "../database/delete-document-rows.ts";
import { requireOwner } from "../database/document-owner.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { removeObjects } from "./remove-objects.ts";
import { currentRun } from "./run-identity.ts";

/**
 * Makes a copy of a document, or of some of its pages, for the run that owns it. A deletion that took the document over
 * while the copy was under way has looked for copies before this one was there: then it is removed again.
 * @throws {DocketError} `Superseded` when another run, or a deletion, owns the document by now
 */
export async function makeCopy(
  { database, storage }: { database: Database; storage: ObjectStorage },
  documentId: string,
  copy: DocumentLocation,
  make: () => Promise<void>,
): Promise<void> {
  const requireOwned = () => requireOwner(database, documentId, currentRun().runId);
  await requireOwned();
  await make();
  try {
    await requireOwned();
  } catch (error) {
    const overtaken = error instanceof DocketError && error.type === "Superseded";
    if (overtaken && (await isDeleted(database, documentId))) await removeObjects(storage, copy.bucket, copy.key);
    throw error;
  }
}
