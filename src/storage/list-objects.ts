import { ListObjectsV2Command, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import type { BucketAccess } from "./bucket-access.ts";
import type { ObjectStorage } from "./object-storage.ts";

/** How objects are found by the beginning of their keys. */
export function createListing({ clientOf, fail }: BucketAccess): Pick<ObjectStorage, "list" | "listVersions"> {
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
  };
}
