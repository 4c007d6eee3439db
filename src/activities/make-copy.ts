import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { requireOwner } from "../database/document-owner.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { leaveNothingBehind } from "./leave-nothing-behind.ts";
import { currentRun } from "./run-identity.ts";

/**
 * Makes a copy of a document, or of some of its pages, for the run that owns it. A deletion that took the document over
 * while the copy was under way has looked for copies before this one was there: then it is removed again.
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
  await make();
  const written = { documentId, bucket: copy.bucket, prefix: copy.key };
  await requireOwned().catch((error) => leaveNothingBehind(ports, written, error));
}
