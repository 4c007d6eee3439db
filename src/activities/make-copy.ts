import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { requireOwner } from "../database/document-owner.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { leaveNothingBehind } from "./leave-nothing-behind.ts";
import { removeWhileOwned } from "./remove-copies.ts";
import { currentRun } from "./run-identity.ts";

/**
 * Makes a copy of a document, or of some of its pages, for the run that owns it. A deletion that took the document over
 * while the copy was under way has looked for copies before this one was there, and a run that ended meanwhile (it was
 * cancelled) does not know of it: then it is removed again.
 * @throws {DocketError} `Superseded` when another run, or a deletion, owns the document by now
 */
export async function makeCopy(
  ports: { database: Database; storage: ObjectStorage },
  documentId: string,
  copy: DocumentLocation,
  make: () => Promise<void>,
): Promise<void> {
  const requireOwned = () => requireOwner(ports.database, documentId, currentRun().runId);
  await requireOwned();
  try {
    await make();
    await requireOwned();
  } catch (error) {
    await removeWhileOwned(ports, documentId, [copy], "ended");
    await leaveNothingBehind(ports, { documentId, bucket: copy.bucket, prefix: copy.key }, error);
  }
}
