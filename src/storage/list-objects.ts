import { ListObjectsV2Command, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { DocketError } from "../contract/failures.ts";
import type { BucketAccess } from "./bucket-access.ts";
import { objectAddress } from "./object-names.ts";
import type { ObjectStorage } from "./object-storage.ts";

type Listing = Pick<ObjectStorage, "findVersion" | "list" | "listVersions">;

/** How objects are found by the beginning of their keys. */
export function createListing({ clientOf, fail }: BucketAccess): Listing {
  return {
    async list(bucket, prefix, after) {
      const client = await clientOf({ bucket });
      const request = { Bucket: bucket, Prefix: prefix, ...(after === null ? {} : { StartAfter: after }) };
      const answer = await client
        .send(new ListObjectsV2Command(request))
        .catch((error) => fail(error, { bucket, key: "" }));
      const objects = (answer.Contents ?? []).flatMap(({ Key: key, Size: size = 0, ETag: etag = "" }) =>
        key === undefined ? [] : [{ key, size, etag }],
      );
      return { objects, more: answer.IsTruncated ?? false };
    },

    async listVersions(bucket, prefix) {
      const client = await clientOf({ bucket });
      const answer = await client
        .send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }))
        .catch((error) => fail(error, { bucket, key: "" }));
      return [...(answer.Versions ?? []), ...(answer.DeleteMarkers ?? [])].flatMap(
        ({ Key: key, VersionId: version }) =>
          key === undefined ? [] : [{ key, ...(version === undefined ? {} : { version }) }],
      );
    },

    async findVersion(location) {
      const { bucket, key, version = "null" } = location;
      const client = await clientOf({ bucket });
      let after: { KeyMarker?: string; VersionIdMarker?: string } = {};
      for (;;) {
        const answer = await client
          .send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, ...after }))
          .catch((error) => fail(error, { bucket, key: "" }));
        const versions = answer.Versions ?? [];
        const found = versions.find(({ Key, VersionId = "null" }) => Key === key && VersionId === version);
        if (found !== undefined) return { version: found.VersionId, etag: found.ETag ?? "" };
        // Other keys that begin with this one come behind it.
        const { NextKeyMarker: nextKey, NextVersionIdMarker: nextVersion } = answer;
        if (!answer.IsTruncated || nextKey !== key) return null;
        if (nextVersion === after.VersionIdMarker) {
          throw new DocketError(
            "StorageUnavailable",
            `S3 lists the same versions of ${objectAddress(location)} again.`,
          );
        }
        after = { KeyMarker: key, ...(nextVersion === undefined ? {} : { VersionIdMarker: nextVersion }) };
      }
    },
  };
}
