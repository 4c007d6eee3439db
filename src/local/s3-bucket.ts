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
 * @returns whether it was made now
 * @throws {DocketError} `StorageUnavailable`
 */
export async function makeBucket({ endpoint, region, bucket, accessKey }: BucketPlace): Promise<boolean> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    ...(accessKey === undefined ? {} : { credentials: accessKey }),
  });
  try {
    if (await exists(client, bucket)) return false;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
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

async function exists(client: S3Client, bucket: string): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return false;
    throw error;
  }
}
