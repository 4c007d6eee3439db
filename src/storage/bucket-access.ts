import type { S3Client } from "@aws-sdk/client-s3";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { createBucketRegions } from "./bucket-regions.ts";
import { type CredentialsOf, refusedWrite } from "./refused-write.ts";
import { storageFailure } from "./storage-failure.ts";

/** What everything that is written to S3 is written with; nothing where the bucket's own encryption counts. */
export type Encryption = { ServerSideEncryption: "aws:kms"; SSEKMSKeyId: string } | Record<string, never>;

/** What requests to S3 have in common: whom they are sent to, how they are encrypted, what becomes of an error. */
export interface BucketAccess {
  encryption: Encryption;
  /** A client in the bucket's own region. @throws {DocketError} `BucketMissing`, `ObjectForbidden`, `StorageUnavailable` */
  clientOf(location: { bucket: string }): Promise<S3Client>;
  /** Throws what an error of S3 means as a {@link DocketError}. */
  fail(error: unknown, location: DocumentLocation): never;
  /** The same of an error that writing has met: what is forbidden names what has to be allowed. */
  failWrite(error: unknown, location: DocumentLocation): never;
  regionOf(bucket: string): Promise<string>;
  close(): void;
}

/** @param options as for `createObjectStorage` */
export function createBucketAccess(options: {
  region: string;
  endpoint: string | undefined;
  kmsKey?: string | undefined;
  credentialsOf?: CredentialsOf | undefined;
}): BucketAccess {
  const { kmsKey } = options;
  const regions = createBucketRegions(options);
  const fail: BucketAccess["fail"] = (error, location) => {
    try {
      return storageFailure(error, location);
    } catch (failure) {
      if (failure instanceof DocketError && failure.type === "BucketInOtherRegion") regions.forget(location.bucket);
      throw failure;
    }
  };
  return {
    encryption: kmsKey === undefined ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKey },
    clientOf: ({ bucket }) => regions.clientOf(bucket),
    fail,
    failWrite(error, location) {
      try {
        return fail(error, location);
      } catch (failure) {
        throw refusedWrite(failure, location, options);
      }
    },
    regionOf: (bucket) => regions.regionOf(bucket),
    close: () => regions.close(),
  };
}

/** An object as requests name it. */
export function objectOf(location: DocumentLocation): { Bucket: string; Key: string; VersionId?: string } {
  return {
    Bucket: location.bucket,
    Key: location.key,
    ...(location.version === undefined ? {} : { VersionId: location.version }),
  };
}
