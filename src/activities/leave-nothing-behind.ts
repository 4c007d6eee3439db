import { cancellationSignal } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import { isDeleted } from "../database/delete-document-rows.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { removeObjects } from "./remove-objects.ts";

/**
 * Throws the error of a step that wrote objects; where the step was overtaken by a deletion, which had looked there before
 * they came, they are removed first. A deletion cancels the run before it takes the document over: a step that is told of
 * the one may end before it asks about the other.
 * @param written.ledgerId of the job whose result they are; undefined: of the document as a whole
 */
export async function leaveNothingBehind(
  { database, storage }: { database: Database; storage: ObjectStorage },
  written: { documentId: string; ledgerId?: string; bucket: string; prefix: string },
  error: unknown,
): Promise<never> {
  const { documentId, ledgerId, bucket, prefix } = written;
  const superseded = error instanceof DocketError && error.type === "Superseded";
  const overtaken = superseded || cancellationSignal().aborted;
  if (overtaken && (await isDeleted(database, documentId, ledgerId))) await removeObjects(storage, bucket, prefix);
  throw error;
}
