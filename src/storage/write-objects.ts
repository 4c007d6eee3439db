import { Readable } from "node:stream";
import { AbortMultipartUploadCommand, DeleteObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { DocketError } from "../contract/failures.ts";
import { type BucketAccess, objectOf } from "./bucket-access.ts";
import { abortUploads } from "./multipart-uploads.ts";
import type { ObjectStorage } from "./object-storage.ts";
import { uploadInParts } from "./resumable-upload.ts";

type Writing = Pick<ObjectStorage, "abortUploads" | "put" | "remove" | "upload" | "uploadInParts">;

/** Milliseconds that the requests of an upload which is given up have to end by themselves. */
const lateMilliseconds = 5000;

/** How objects are written and removed; everything that is written is encrypted as {@link BucketAccess} says. */
export function createWriting(access: BucketAccess): Writing {
  const { clientOf, encryption, fail, failWrite } = access;
  return {
    async upload(bucket, key, body, options = {}) {
      const client = await clientOf({ bucket });
      const { signal } = options;
      signal?.throwIfAborted();
      const late = new AbortController();
      const upload = new Upload({
        client: abortable(client, late.signal),
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
      // `upload.abort()` ends at once, and what is on its way arrives behind the back of whoever clears up then.
      let timer: NodeJS.Timeout | undefined;
      const abort = () => {
        if (body instanceof Readable) body.destroy(asError(signal?.reason));
        timer = setTimeout(() => late.abort(signal?.reason), lateMilliseconds);
      };
      signal?.addEventListener("abort", abort, { once: true });
      try {
        await upload.done();
      } catch (error) {
        failWrite(error, { bucket, key });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      }
    },

    async uploadInParts(file) {
      const client = await clientOf(file);
      await uploadInParts(client, file, encryption).catch((error) => {
        // It is typed already, or the reason of an abort.
        if (error instanceof DocketError) failWrite(error, { bucket: file.bucket, key: file.key });
        throw error;
      });
    },

    async abortUploads(bucket, prefix) {
      return abortUploads(await clientOf({ bucket }), bucket, prefix);
    },

    async put(bucket, key, body, contentType) {
      const client = await clientOf({ bucket });
      await client
        .send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType, ...encryption }))
        .catch((error) => failWrite(error, { bucket, key }));
    },

    async remove(location) {
      const client = await clientOf(location);
      await client.send(new DeleteObjectCommand(objectOf(location))).catch((error) => fail(error, location));
    },
  };
}

/** The client, whose requests end with the signal; not the one that gives the parts of an upload back. */
function abortable(client: S3Client, abortSignal: AbortSignal): S3Client {
  const send = (command: Parameters<S3Client["send"]>[0]) =>
    client.send(command, command instanceof AbortMultipartUploadCommand ? {} : { abortSignal });
  return Object.create(client, { send: { value: send } });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("The upload was given up.");
}
