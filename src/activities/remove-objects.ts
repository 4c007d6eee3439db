import { DocketError } from "../contract/failures.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/**
 * Removes every object whose key begins with a prefix, in all its versions; a bucket that is not there has none.
 * @param onRemoved called after each
 * @returns how many were removed
 */
export async function removeObjects(
  storage: ObjectStorage,
  bucket: string,
  prefix: string,
  onRemoved: () => void = () => {},
): Promise<number> {
  let removed = 0;
  for (let before: string | undefined; ; ) {
    const objects = await storage.listVersions(bucket, prefix).catch(unlessBucketMissing([]));
    const first = objects[0] && `${objects[0].key} (version ${objects[0].version ?? "none"})`;
    if (first !== undefined && first === before) {
      throw new DocketError("StorageUnavailable", `S3 lists ${bucket}/${first}, which it said was deleted.`);
    }
    before = first;
    for (const object of objects) {
      await storage.remove({ bucket, ...object });
      removed++;
      onRemoved();
    }
    // What was deleted is not listed again, so the first answer is always the next one.
    if (objects.length === 0) return removed;
  }
}

/** A bucket that is not there holds nothing that is to go. */
export function unlessBucketMissing<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof DocketError && error.type === "BucketMissing") return nothing;
    throw error;
  };
}
