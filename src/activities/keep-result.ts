import { DocketError, failureTable } from "../contract/failures.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

const writableUntil = new Map<string, number>();
const rememberMilliseconds = 5 * 60_000;

type BucketSetting = "DOCKET_BUCKET" | "DOCKET_STAGING_BUCKET";

/** The mark that shows that a bucket can be written: below the prefix that is written there, as a policy allows it. */
export function writeMark(setting: BucketSetting): { key: string; body: string } {
  const key = setting === "DOCKET_STAGING_BUCKET" ? "copies/.write-check" : "textract/.write-check";
  return { key, body: "Docket can write here.\n" };
}

/**
 * Writes a mark into a bucket of ours; what worked is remembered for five minutes.
 * @param setting that names the bucket
 * @throws {DocketError} `ResultsNotWritable`, or what passes by itself
 */
export async function requireWritable(storage: ObjectStorage, bucket: string, setting: BucketSetting): Promise<void> {
  if (Date.now() < (writableUntil.get(bucket) ?? 0)) return;
  const { key, body } = writeMark(setting);
  await keep(storage, { bucket, setting }, key, body, "text/plain");
  writableUntil.set(bucket, Date.now() + rememberMilliseconds);
}

/**
 * Writes a small object into a bucket of ours. A refusal is one of the bucket, not of the document: it says so.
 * @param place.setting that names the bucket
 * @throws {DocketError} `ResultsNotWritable`, or what passes by itself
 */
export async function keep(
  storage: ObjectStorage,
  { bucket, setting }: { bucket: string; setting: string },
  key: string,
  body: Uint8Array | string,
  contentType: string,
): Promise<void> {
  try {
    await storage.put(bucket, key, body, contentType);
  } catch (error) {
    if (!(error instanceof DocketError) || failureTable[error.type].retry !== "never") throw error;
    writableUntil.delete(bucket);
    throw new DocketError("ResultsNotWritable", `Nothing can be kept in s3://${bucket}: ${error.message}`, {
      remedy: remedyOf(error, setting),
      cause: error,
    });
  }
}

function remedyOf({ type, remedy }: DocketError, setting: string): string {
  if (type === "BucketMissing") return `Create the bucket, or correct ${setting}, then submit again.`;
  if (type === "BucketInOtherRegion") return `${setting}: the bucket is in another region by now; submit again.`;
  if (type !== "ObjectForbidden") return remedy;
  return `Allow s3:PutObject on ${setting} (and its KMS key) for the workers' credentials, then submit again.`;
}
