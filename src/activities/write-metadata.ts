import { DocketError, failureTable } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { ValidInput } from "../contract/valid-input.ts";
import { byDriver, type Database } from "../database/client.ts";
import { insertEvent } from "../database/document-events.ts";
import { ownedBy, superseded } from "../database/document-owner.ts";
import { type MediaType, mediaTypeOf, sniffedBytes } from "../media/media-type.ts";
import { objectAddress } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface MetadataRequest {
  documentId: string;
  document: DocumentLocation;
  sha256: string | null;
  etag: string | null;
  /** Bytes; what is not known yet is read from the object. */
  size?: number | null | undefined;
  mediaType?: MediaType | null | undefined;
  input: ValidInput;
}

/**
 * Writes the metadata row that every later stage reads: name, media type by the first bytes, size, hash, source and
 * the caller's own fields. What an unreadable object does not tell stays null; the next step reports it. Hash and entity
 * tag of the content that was read before stay then, and so do the corrections of it.
 *
 * Idempotent: one row per document, written whole each time.
 */
export function createWriteMetadata(ports: { database: Database; storage: ObjectStorage }) {
  return async function writeMetadata(request: MetadataRequest): Promise<void> {
    const { documentId, document, sha256, etag, input } = request;
    const facts = factsKnown(request) ?? (await stayAlive(() => factsOf(ports.storage, document)));
    const fileName = input.fileName ?? input.document.key.split("/").at(-1) ?? input.document.key;
    const identified = sha256 !== null || etag !== null;
    const { runId } = currentRun();
    const mediaType = facts?.mediaType ?? null;
    const detail = { fileName, mediaType, sizeBytes: facts?.size ?? null };
    const event = insertEvent({ documentId, runId, kind: "metadata-written", detail }, "owned");
    const written = await byDriver(ports.database).$executeRaw`
      WITH owned AS (${ownedBy(documentId, runId)}),
      -- What a person wrote of other content is not this content's text.
      forgotten AS (
        DELETE FROM page_corrections c USING document_metadata m, owned
        WHERE ${identified}::boolean AND c.document_id = owned.id AND m.document_id = owned.id
          AND m.sha256 IS DISTINCT FROM ${sha256} AND m.etag IS DISTINCT FROM ${etag}),
      told AS (${event})
      INSERT INTO document_metadata (document_id, file_name, sha256, media_type, size_bytes, etag, source,
                                     custom_fields, updated_at)
      SELECT id, ${fileName}, ${sha256}, ${mediaType}, ${facts?.size ?? null}::bigint, ${etag},
             ${input.source ?? objectAddress(input.document)}, ${JSON.stringify(input.customFields)}::jsonb, now()
      FROM owned
      ON CONFLICT (document_id) DO UPDATE SET
        file_name = EXCLUDED.file_name, media_type = EXCLUDED.media_type, size_bytes = EXCLUDED.size_bytes,
        sha256 = CASE WHEN ${identified}::boolean THEN EXCLUDED.sha256 ELSE document_metadata.sha256 END,
        etag = CASE WHEN ${identified}::boolean THEN EXCLUDED.etag ELSE document_metadata.etag END,
        source = EXCLUDED.source, custom_fields = EXCLUDED.custom_fields, updated_at = EXCLUDED.updated_at`;
    if (written === 0) throw superseded(documentId, runId);
  };
}

function factsKnown({ size, mediaType }: MetadataRequest) {
  return typeof size === "number" && mediaType !== undefined ? { size, mediaType } : null;
}

async function factsOf(storage: ObjectStorage, document: DocumentLocation) {
  try {
    const { facts, start } = await storage.readStart(document, sniffedBytes);
    return { size: facts.size, mediaType: mediaTypeOf(start) };
  } catch (error) {
    if (error instanceof DocketError && failureTable[error.type].retry === "never") return null;
    throw error;
  }
}
