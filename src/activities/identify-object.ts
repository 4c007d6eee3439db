import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal } from "@temporalio/activity";
import { type FailureType, limitedAttempts } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { toDocketError } from "./to-docket-error.ts";

/** An object in S3 as it was when it was looked at. */
export interface IdentifiedObject {
  /** Where it is, pinned to the version that was read where the bucket keeps versions. */
  document: DocumentLocation;
  /** Of the content; null for an object that cannot be read, or is too large for any engine. */
  sha256: string | null;
  etag: string | null;
}

/** Above this no engine reads a document (bytes); it is refused by its prerequisites, not hashed first. */
const largestHashed = 500 * 1024 * 1024;

/** The object as it is now: its version and entity tag, and the hash of its content unless the caller knows it. */
export async function identifyObject(
  storage: ObjectStorage,
  input: { document: DocumentLocation; sha256?: string },
): Promise<IdentifiedObject> {
  const known = input.sha256?.toLowerCase() ?? null;
  try {
    const { size, etag, version } = await storage.head(input.document);
    // "null" is how S3 names the version of an object from before its bucket kept versions.
    const pinned = version === undefined || version === "null" ? {} : { version };
    const document = { ...input.document, ...pinned };
    const sha256 = known ?? (size > largestHashed ? null : await hashOfObject(storage, document));
    return { document, sha256, etag };
  } catch (error) {
    const { type } = toDocketError(error);
    const unreadable: FailureType[] = ["ObjectMissing", "ObjectForbidden", "BucketMissing", "BucketInOtherRegion"];
    // S3 may have refused by mistake, or we have one; when it goes on, the failure gets a record too, before it is final.
    if (activityInfo().attempt >= limitedAttempts) unreadable.push("StorageRefused", "Internal");
    if (cancellationSignal().aborted || !unreadable.includes(type)) throw error;
    return { document: input.document, sha256: known, etag: null };
  }
}

async function hashOfObject(storage: ObjectStorage, document: DocumentLocation): Promise<string> {
  const signal = cancellationSignal();
  const hash = createHash("sha256");
  for await (const chunk of await storage.openStream(document, signal)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
