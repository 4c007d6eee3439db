import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal } from "@temporalio/activity";
import { type FailureType, limitedAttempts } from "../contract/failures.ts";
import { type DocumentLocation, largestHashedBytes } from "../contract/process-document.ts";
import { type MediaType, mediaTypeOf, sniffedBytes } from "../media/media-type.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { toDocketError } from "./to-docket-error.ts";

/** An object in S3 as it was when it was looked at. */
export interface IdentifiedObject {
  /** Where it is, pinned to the version that was read where the bucket keeps versions. */
  document: DocumentLocation;
  /** Of the content; null for an object that cannot be read, or is too large for any engine. */
  sha256: string | null;
  etag: string | null;
  /** Bytes; null for an object that cannot be read. */
  size: number | null;
  /** By the first bytes; null for one that Docket does not read, or that cannot be read. */
  mediaType: MediaType | null;
}

/**
 * The object as it is now, by one request: its version and entity tag, what it is, and the hash of its content unless
 * the caller knows it. Where another object has taken the place of the one that the caller hashed, the answer is the
 * caller's object, by its hash and its tag, with nothing read of it: the checks that follow find the other tag.
 */
export async function identifyObject(
  storage: ObjectStorage,
  input: { document: DocumentLocation; sha256?: string; etag?: string },
): Promise<IdentifiedObject> {
  const known = input.sha256?.toLowerCase() ?? null;
  const readStart = (document: DocumentLocation) => storage.readStart(document, sniffedBytes);
  try {
    const { facts, sha256, start } =
      known === null ? await readAll(storage, input.document) : { ...(await readStart(input.document)), sha256: known };
    const { size, etag, version } = facts;
    if (known !== null && input.etag !== undefined && !isSameTag(input.etag, etag)) {
      return { document: input.document, sha256, etag: input.etag, size: null, mediaType: null };
    }
    // "null" is how S3 names the version of an object from before its bucket kept versions.
    const pinned = version === undefined || version === "null" ? {} : { version };
    return { document: { ...input.document, ...pinned }, sha256, etag, size, mediaType: mediaTypeOf(start) };
  } catch (error) {
    const { type } = toDocketError(error);
    const unreadable: FailureType[] = ["ObjectMissing", "ObjectForbidden", "BucketMissing", "BucketInOtherRegion"];
    // S3 may have refused by mistake, or we have one; when it goes on, the failure gets a record too, before it is final.
    if (activityInfo().attempt >= limitedAttempts) unreadable.push("StorageRefused", "Internal");
    if (cancellationSignal().aborted || !unreadable.includes(type)) throw error;
    const etag = known === null ? null : (input.etag ?? null);
    return { document: input.document, sha256: known, etag, size: null, mediaType: null };
  }
}

/** Some programs keep an entity tag without its quotation marks. */
export function isSameTag(one: string, other: string): boolean {
  const bare = (tag: string) => tag.replace(/^"(.*)"$/, "$1");
  return bare(one) === bare(other);
}

/** One that is too large to be hashed is looked at by its start alone. */
async function readAll(storage: ObjectStorage, document: DocumentLocation) {
  const signal = cancellationSignal();
  const { facts, body } = await storage.open(document, signal);
  if (facts.size > largestHashedBytes) {
    body.destroy();
    return { ...(await storage.readStart(document, sniffedBytes)), sha256: null };
  }
  const hash = createHash("sha256");
  let start = Buffer.alloc(0);
  for await (const chunk of body) {
    signal.throwIfAborted();
    hash.update(chunk);
    if (start.length < sniffedBytes) start = Buffer.concat([start, chunk.subarray(0, sniffedBytes)]);
  }
  return { facts, sha256: hash.digest("hex"), start };
}
