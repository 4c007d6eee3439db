import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { type BucketAccess, objectOf } from "./bucket-access.ts";
import { abortUploads } from "./multipart-uploads.ts";
import type { ObjectStorage } from "./object-storage.ts";
import { uploadInParts } from "./resumable-upload.ts";

type Writing = Pick<ObjectStorage, "abortUploads" | "put" | "remove" | "upload" | "uploadInParts">;

/** How objects are written and removed; everything that is written is encrypted as {@link BucketAccess} says. */
export function createWriting(access: BucketAccess): Writing {
  const { clientOf, encryption, fail } = access;
  return {
    async upload(bucket, key, body, options = {}) {
      const upload = new Upload({
        client: await clientOf({ bucket }),
        params: {
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: options.contentType,
          Metadata: options.metadata,
          ...encryption,
        },
        partSize: 8 * 1024 * 1024,
        queueSize: 2,
      });
      upload.on("httpUploadProgress", (progress) => options.onProgress?.(progress.loaded ?? 0));
      const abort = () => void upload.abort();
      options.signal?.addEventListener("abort", abort, { once: true });
      try {
        await upload.done();
      } catch (error) {
        fail(error, { bucket, key });
      } finally {
        options.signal?.removeEventListener("abort", abort);
      }
    },

    async uploadInParts(file) {
      await uploadInParts(await clientOf(file), file, encryption);
    },

    async abortUploads(bucket, prefix) {
      return abortUploads(await clientOf({ bucket }), bucket, prefix);
    },

    async put(bucket, key, body, contentType) {
      const client = await clientOf({ bucket });
      await client
        .send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType, ...encryption }))
        .catch((error) => fail(error, { bucket, key }));
    },

    async remove(location) {
      const client = await clientOf(location);
      await client.send(new DeleteObjectCommand(objectOf(location))).catch((error) => fail(error, location));
    },
  };
}
