import { HeadBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { storageFailure } from "./storage-failure.ts";

/** Clients by region, and which region each bucket is in. */
export interface BucketRegions {
  /** @throws {DocketError} `BucketMissing`, `ObjectForbidden`, `CredentialsUnavailable`, `StorageUnavailable` */
  regionOf(bucket: string): Promise<string>;
  clientOf(bucket: string): Promise<S3Client>;
  /** The bucket was not where it had been: it is looked for again. */
  forget(bucket: string): void;
  close(): void;
}

// A bucket moves only by being deleted and made again elsewhere; the bound keeps a caller with endless bucket names from growing the process.
const mostRemembered = 1000;

/** Asks once for each bucket (HeadBucket names the region, in a redirect too), and keeps one client for each region. */
export function createBucketRegions(options: { region: string; endpoint: string | undefined }): BucketRegions {
  const clients = new Map<string, S3Client>();
  const regions = new Map<string, string>();

  const clientIn = (region: string) => {
    let client = clients.get(region);
    if (client === undefined) {
      client = new S3Client({
        region,
        // Retries belong to the activities' policies; a second layer below them would multiply.
        maxAttempts: 1,
        // A connection that says nothing for so long is dead; milliseconds.
        requestHandler: { connectionTimeout: 5000, socketTimeout: 30_000 },
        ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
      });
      clients.set(region, client);
    }
    return client;
  };

  const regionOf = async (bucket: string) => {
    const known = regions.get(bucket);
    if (known !== undefined) return known;
    const region = await askRegion(clientIn(options.region), bucket, options.region);
    if (regions.size >= mostRemembered) regions.clear();
    regions.set(bucket, region);
    return region;
  };

  return {
    regionOf,
    // A server other than AWS' has one address for all its buckets; requests are signed for the bucket's region all the
    // same, and a server without regions names none.
    clientOf: async (bucket) => clientIn(await regionOf(bucket)),
    forget: (bucket) => void regions.delete(bucket),
    close() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

async function askRegion(client: S3Client, bucket: string, fallback: string): Promise<string> {
  const at = { bucket, key: "" };
  try {
    const answer = await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return answer.BucketRegion ?? fallback;
  } catch (error) {
    const region = regionNamedIn(error);
    if (region !== undefined) return region;
    if ((error as S3Error).$metadata?.httpStatusCode !== 400) return storageFailure(error, at);
  }
  // Expired credentials are a 400 without a word to a HEAD; a listing has a body that says what it is.
  try {
    await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
    return fallback;
  } catch (error) {
    return regionNamedIn(error) ?? storageFailure(error, at);
  }
}

interface S3Error {
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
}

/**
 * A bucket elsewhere answers 301 and names its region in the error's response; other errors may name it too, and the
 * object's own request then says what is wrong.
 */
function regionNamedIn(error: unknown): string | undefined {
  return (error as S3Error).$response?.headers?.["x-amz-bucket-region"];
}
