import type { DocumentLocation } from "../contract/process-document.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { isSameTag } from "./identify-object.ts";
import { type Guard, unlessBucketMissing } from "./remove-objects.ts";

/**
 * Removes the owner's object that a document was made of, and no other that stands under its key, before it or since:
 * the version that was read; where the bucket kept none then, the object as long as its entity tag is still the one that
 * was read. S3 is asked and told in two requests: an object that is replaced between them is not seen.
 *
 * Idempotent: an object that is not there counts as removed.
 * @param etag of the object that was read; null: it never was, so that nobody knows which one is meant
 * @returns how many objects were removed, and whether the document's own is gone
 */
export async function removeSource(
  storage: ObjectStorage,
  source: DocumentLocation,
  etag: string | null,
  guard: Guard,
): Promise<{ objects: number; gone: boolean }> {
  const found = await storage.findVersion(source).catch(unlessBucketMissing(null));
  if (found === null) return { objects: 0, gone: true };
  const isOurs = source.version !== undefined || (etag !== null && isSameTag(found.etag, etag));
  if (!isOurs) return { objects: 0, gone: false };
  const { version } = found;
  await guard(() => storage.remove({ ...source, ...(version === undefined ? {} : { version }) }));
  return { objects: 1, gone: true };
}
