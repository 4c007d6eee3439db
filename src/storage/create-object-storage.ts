import { createBucketAccess } from "./bucket-access.ts";
import { createListing } from "./list-objects.ts";
import type { ObjectStorage } from "./object-storage.ts";
import { createReading } from "./read-objects.ts";
import type { CredentialsOf } from "./refused-write.ts";
import { createWriting } from "./write-objects.ts";

/**
 * A client for AWS, or for any server that speaks S3. Each bucket is spoken to in its own region; the SDK's own
 * following of redirects stays off, because it was seen to leave a shared client in the wrong region.
 * @param options.region where a bucket is looked for first
 * @param options.kmsKey KMS key (id, ARN or alias) that what is written is encrypted with
 * @param options.credentialsOf whom a remedy tells to allow something; the workers, unless it is said
 */
export function createObjectStorage(options: {
  region: string;
  endpoint: string | undefined;
  kmsKey?: string | undefined;
  credentialsOf?: CredentialsOf;
}): ObjectStorage {
  const access = createBucketAccess(options);
  return {
    ...createReading(access),
    ...createWriting(access),
    ...createListing(access),
    bucketRegion: access.regionOf,
    close: access.close,
  };
}
