import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { DocketError } from "../contract/failures.ts";

/** A pair of keys that requests are signed with. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Where a bucket is or is to be. */
export interface BucketPlace {
  endpoint: string;
  region: string;
  bucket: string;
  /** Default: what the AWS SDK finds in the environment. */
  accessKey?: AccessKey | undefined;
}

/**
 * Makes a bucket where there is none; one that is there and can be used is left as it is.
 * @param signal ends the wait for an answer
 * @returns whether it was made now
 * @throws {DocketError} `StorageUnavailable`, also from a server that accepts connections and says nothing for 10 s; the
 *   signal's reason when aborted
 */
export async function makeBucket(place: BucketPlace, signal?: AbortSignal): Promise<boolean> {
  const { endpoint, region, bucket, accessKey } = place;
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    // Milliseconds; both requests are answered at once by a server that is well.
    requestHandler: { connectionTimeout: 5000, socketTimeout: 10_000 },
    ...(accessKey === undefined ? {} : { credentials: accessKey }),
  });
  try {
    if (await exists(client, bucket, signal)) return false;
    await client.send(new CreateBucketCommand({ Bucket: bucket }), stoppedBy(signal));
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    const { name, message } = error as Error;
    // Another process made it between the two requests.
    if (name === "BucketAlreadyOwnedByYou") return false;
    throw new DocketError(
      "StorageUnavailable",
      `The bucket ${bucket} cannot be made at ${endpoint}: ${name}: ${message}`,
      {
        remedy: "Make the bucket, or name one that the credentials may use in DOCKET_BUCKET.",
        cause: error,
      },
    );
  } finally {
    client.destroy();
  }
}

async function exists(client: S3Client, bucket: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }), stoppedBy(signal));
    return true;
  } catch (error) {
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return false;
    throw error;
  }
}

function stoppedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
