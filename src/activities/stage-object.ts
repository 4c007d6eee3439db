import { createHash } from "node:crypto";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { cancellationSignal } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { describe, objectAddress } from "../storage/object-names.ts";
import type { ObjectFacts, ObjectStorage } from "../storage/object-storage.ts";
import { copyKey } from "./copy-key.ts";
import { makeCopy } from "./make-copy.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface StageRequest {
  documentId: string;
  document: DocumentLocation;
  staging: { bucket: string; region: string };
}

const rangeBytes = 4 * 1024 * 1024;

/** Name of the copy's user metadata that tells what it is a copy of. */
const contentName = "docket-content";

/**
 * Copies the object to the staging bucket, in a region that Textract serves. The copy streams through this process,
 * some 24 MB at a time: S3's own copy needs both buckets behind one server. It is pinned to the object that was checked,
 * by version and entity tag, and its hash is computed on the way where it is known.
 *
 * Idempotent: the key depends on the content only, and a copy that is there with the right size and content is kept; an
 * upload that fails leaves nothing.
 */
export function createStageObject(ports: { database: Database; storage: ObjectStorage }) {
  return async function stageObject(request: StageRequest): Promise<DocumentLocation> {
    const { documentId, document, staging } = request;
    const metadata = await ports.database.documentMetadata.findUnique({ where: { documentId } });
    if (metadata === null) throw new DocketError("MetadataMissing", `Document ${documentId} has no metadata.`);
    const object = await ports.storage.head(document);
    if (metadata.etag !== null && metadata.etag !== object.etag) {
      throw new DocketError("ObjectChanged", `${describe(document)} is not the object that was checked.`);
    }
    const content = metadata.sha256 ?? createHash("sha256").update(object.etag).digest("hex");
    const copy = { bucket: staging.bucket, key: copyKey(documentId, content) };
    const copied = !(await isThere(copy, object, content));
    if (copied) {
      const make = () => copyObject(document, object, copy, content, metadata.sha256);
      await stayAlive(() => makeCopy(ports, documentId, copy, make));
    }
    const { runId } = currentRun();
    const detail = {
      from: objectAddress(document),
      to: objectAddress(copy),
      region: staging.region,
      bytes: object.size,
      copied,
    };
    await recordEvent(ports.database, { documentId, runId, kind: "object-staged", detail });
    return copy;
  };

  async function isThere(copy: DocumentLocation, object: ObjectFacts, content: string): Promise<boolean> {
    try {
      const found = await ports.storage.head(copy);
      return found.size === object.size && found.metadata[contentName] === content;
    } catch (error) {
      if (error instanceof DocketError && error.type === "ObjectMissing") return false;
      throw error;
    }
  }

  async function copyObject(
    document: DocumentLocation,
    object: ObjectFacts,
    copy: DocumentLocation,
    content: string,
    sha256: string | null,
  ): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([cancellationSignal(), stop.signal]);
    const body = checking(document, object.size, sha256);
    const reading = pipeline(Readable.from(ranges(document, object, signal)), body, { signal });
    const upload = ports.storage.upload(copy.bucket, copy.key, body, { signal, metadata: { [contentName]: content } });
    try {
      await Promise.all([reading, upload]);
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled([reading, upload]);
      throw error;
    }
  }

  /** An object's bytes. A stream would stand still while its upload is slow, and be taken for a connection that is dead. */
  async function* ranges(
    document: DocumentLocation,
    { size, etag }: ObjectFacts,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < size; ) {
      const bytes = await ports.storage.read(document, offset, Math.min(rangeBytes, size - offset), etag, signal);
      if (bytes.length === 0) return;
      yield bytes;
      offset += bytes.length;
    }
  }
}

/** Passes an object's bytes on, and ends in an error unless they are those that were meant. */
function checking(document: DocumentLocation, size: number, sha256: string | null): Transform {
  const hash = createHash("sha256");
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      if (bytes !== size) {
        done(new DocketError("StorageUnavailable", `${describe(document)} gave ${bytes} of ${size} bytes.`));
      } else if (sha256 !== null && hash.digest("hex") !== sha256) {
        done(
          new DocketError("ObjectChanged", `${describe(document)} does not have the SHA-256 that is recorded for it.`),
        );
      } else done();
    },
  });
}
