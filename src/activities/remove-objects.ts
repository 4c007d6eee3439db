import { DocketError } from "../contract/failures.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/** Does something while nobody else may, as long as there is time; throws where somebody else has come first. */
export type Guard = (work: (inTime: () => boolean) => Promise<void>) => Promise<void>;

/** Objects that are removed under one guard at most: within a second or so, unless S3 is slow. */
const atOnce = 20;

/**
 * Removes every object whose key begins with a prefix, in all its versions; a bucket that is not there has none.
 * @param guard asked after a listing, so that what is removed was there before anybody else came
 * @returns how many were removed
 */
export async function removeObjects(
  storage: ObjectStorage,
  bucket: string,
  prefix: string,
  guard: Guard = (work) => work(() => true),
): Promise<number> {
  let removed = 0;
  for (let before: string | undefined; ; ) {
    const objects = await storage.listVersions(bucket, prefix).catch(unlessBucketMissing([]));
    const first = objects[0] && `${objects[0].key} (version ${objects[0].version ?? "none"})`;
    if (first !== undefined && first === before) {
      throw new DocketError("StorageUnavailable", `S3 lists ${bucket}/${first}, which it said was deleted.`);
    }
    before = first;
    for (let left = objects; left.length > 0; ) {
      let done = 0;
      await guard(async (inTime) => {
        for (const object of left.slice(0, atOnce)) {
          if (!inTime()) break;
          await storage.remove({ bucket, ...object });
          done += 1;
        }
      });
      removed += done;
      left = left.slice(done);
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
