import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { copyPrefix } from "./copy-key.ts";
import { currentRun } from "./run-identity.ts";

export interface RemoveRequest {
  documentId: string;
  copies: DocumentLocation[];
}

/**
 * Deletes the copies that were made of a document for Textract. A run that was overtaken leaves them to its successor,
 * which may be reading them.
 *
 * Idempotent: deleting what is not there is no error.
 */
export function createRemoveCopies(ports: { database: Database; storage: ObjectStorage }) {
  return async function removeCopies({ documentId, copies }: RemoveRequest): Promise<void> {
    const foreign = copies.find(({ key }) => !key.startsWith(copyPrefix(documentId)));
    if (foreign !== undefined) throw new DocketError("Internal", `${foreign.key} is not a copy of ${documentId}.`);
    await removeWhileOwned(ports, documentId, copies, "any");
  };
}

/**
 * Deletes copies where this run owns the document, whose row is held meanwhile, so that nobody takes it over in between.
 * @param state `ended`: only where the run has settled the document, so that none of its steps needs them any more
 */
export async function removeWhileOwned(
  ports: { database: Database; storage: ObjectStorage },
  documentId: string,
  copies: DocumentLocation[],
  state: "any" | "ended",
): Promise<void> {
  const { runId } = currentRun();
  await ports.database.$transaction(
    async (transaction) => {
      const owned = await transaction.$queryRaw<{ status: string }[]>`
        SELECT status::text FROM documents WHERE id = ${documentId}::uuid AND run_id = ${runId} FOR SHARE`;
      if (owned[0] === undefined || (state === "ended" && owned[0].status === "processing")) return;
      for (const copy of copies) await ports.storage.remove(copy);
      const detail = { copies: copies.map(({ bucket, key }) => `s3://${bucket}/${key}`) };
      const discriminator = copies.map(({ key }) => key).join();
      await recordEvent(transaction, { documentId, runId, kind: "copies-removed", discriminator, detail });
    },
    { timeout: 15_000 },
  );
}
