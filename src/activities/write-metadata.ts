import { DocketError } from "../contract/failures.ts";
import type { ValidInput } from "../contract/valid-input.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { mediaTypeOf } from "../media/media-type.ts";
import { describe, type ObjectStorage } from "../storage/object-storage.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface MetadataRequest {
  documentId: string;
  sha256: string | null;
  input: ValidInput;
}

/**
 * Writes the metadata row that every later stage reads: name, media type by the first bytes, size, hash, source and
 * the caller's own fields. What an unreadable object does not tell stays null; the next step reports it.
 *
 * Idempotent: one row per document, written whole each time.
 */
export function createWriteMetadata(ports: { database: Database; storage: ObjectStorage }) {
  return async function writeMetadata({ documentId, sha256, input }: MetadataRequest): Promise<void> {
    const facts = await stayAlive(() => factsOf(ports.storage, input));
    const fileName = input.fileName ?? input.document.key.split("/").at(-1) ?? input.document.key;
    const row = {
      fileName,
      sha256,
      mediaType: facts?.mediaType ?? null,
      sizeBytes: facts === null ? null : BigInt(facts.size),
      etag: facts?.etag ?? null,
      source: input.source ?? describe(input.document),
      customFields: input.customFields,
    };
    await ports.database.documentMetadata.upsert({
      where: { documentId },
      create: { documentId, ...row },
      // A hash that is known stays known: the object was read once for it.
      update: { ...row, ...(sha256 === null ? { sha256: undefined } : {}) },
    });
    const detail = { fileName, mediaType: row.mediaType, sizeBytes: facts?.size ?? null };
    await recordEvent(ports.database, { documentId, runId: currentRun().runId, kind: "metadata-written", detail });
  };
}

async function factsOf(storage: ObjectStorage, input: ValidInput) {
  try {
    const { size, etag } = await storage.head(input.document);
    const start = await storage.read(input.document, 0, 1100);
    return { size, etag, mediaType: mediaTypeOf(start) };
  } catch (error) {
    if (error instanceof DocketError && error.type !== "StorageUnavailable") return null;
    throw error;
  }
}
