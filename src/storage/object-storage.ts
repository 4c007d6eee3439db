import type { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { createBucketRegions } from "./bucket-regions.ts";
import { describe } from "./object-names.ts";
import { abortUploads, type FileUpload, uploadInParts } from "./resumable-upload.ts";
import { storageFailure } from "./storage-failure.ts";

/** What S3 says of an object without its content. */
export interface ObjectFacts {
  /** Bytes. */
  size: number;
  etag: string;
  /** Set where the bucket keeps versions. */
  version: string | undefined;
  /** User metadata (`x-amz-meta-*`), names in lower case. */
  metadata: Record<string, string>;
}

/** The few things that Docket does with S3. Every error is a typed {@link DocketError}. */
export interface ObjectStorage {
  /** @throws {DocketError} `ObjectMissing`, `ObjectForbidden`, `BucketMissing`, `StorageUnavailable` */
  head(location: DocumentLocation): Promise<ObjectFacts>;
  /**
   * Bytes `offset` to `offset + length - 1`; fewer at the object's end.
   * @param etag of the object that is meant: `ObjectChanged` when there is another by now
   */
  read(location: DocumentLocation, offset: number, length: number, etag?: string): Promise<Uint8Array>;
  /**
   * A whole object that is known to be small, as an answer of Textract is: it comes into memory.
   * @throws {DocketError} `ObjectMissing` and the other types of storage
   */
  readWhole(location: DocumentLocation): Promise<Uint8Array>;
  /**
   * The first bytes of an object with what S3 says of it, in one request; an empty object has none.
   * @param length bytes, more than 0
   */
  readStart(location: DocumentLocation, length: number): Promise<{ facts: ObjectFacts; start: Uint8Array }>;
  /** An object as a stream with what S3 says of it, in one request. A stream that is not read must be destroyed. */
  open(location: DocumentLocation, signal: AbortSignal): Promise<{ facts: ObjectFacts; body: Readable }>;
  /** @param etag as for {@link read} */
  openStream(location: DocumentLocation, signal?: AbortSignal, etag?: string): Promise<Readable>;
  /** Uploads without holding the body in memory; parts of 8 MiB, two at a time. */
  upload(bucket: string, key: string, body: Readable | Uint8Array, options?: UploadOptions): Promise<void>;
  /**
   * Uploads a file in parts of 8 MiB, two in memory, and goes on where an upload of the same content to the same key
   * stopped.
   */
  uploadInParts(file: FileUpload): Promise<void>;
  /**
   * Ends the uploads under way whose keys begin with a prefix.
   * @returns how many there were
   */
  abortUploads(bucket: string, prefix: string): Promise<number>;
  /** Writes a small object in one request. */
  put(bucket: string, key: string, body: Uint8Array | string, contentType: string): Promise<void>;
  /** Deletes an object; one that is not there is no error. */
  remove(location: DocumentLocation): Promise<void>;
  /**
   * The next objects whose keys begin with a prefix, in the order of their keys (UTF-8), at most 1,000.
   * @param after the last key that is known; null: from the beginning
   */
  list(bucket: string, prefix: string, after: string | null): Promise<{ objects: ListedObject[]; more: boolean }>;
  /**
   * The first objects whose keys begin with a prefix, at most 1,000: where the bucket keeps versions every one of them,
   * marks of deletion included.
   */
  listVersions(bucket: string, prefix: string): Promise<{ key: string; version?: string }[]>;
  /** The bucket's region. */
  bucketRegion(bucket: string): Promise<string>;
  close(): void;
}

/** An object as a listing has it. */
export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
  etag: string;
}

export interface UploadOptions {
  contentType?: string;
  metadata?: Record<string, string>;
  signal?: AbortSignal;
  onProgress?(bytes: number): void;
}

/**
 * A client for AWS, or for any server that speaks S3. Each bucket is spoken to in its own region; the SDK's own
 * following of redirects stays off, because it was seen to leave a shared client in the wrong region.
 * @param options.region where a bucket is looked for first
 * @param options.kmsKey KMS key (id, ARN or alias) that what is written is encrypted with
 */
export function createObjectStorage(options: {
  region: string;
  endpoint: string | undefined;
  kmsKey?: string | undefined;
}): ObjectStorage {
  const { kmsKey } = options;
  const encryption = kmsKey === undefined ? {} : ({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKey } as const);
  const regions = createBucketRegions(options);
  const clientOf = ({ bucket }: { bucket: string }) => regions.clientOf(bucket);
  const object = (location: DocumentLocation) => ({
    Bucket: location.bucket,
    Key: location.key,
    ...(location.version === undefined ? {} : { VersionId: location.version }),
  });

  const fail = (error: unknown, location: DocumentLocation): never => {
    try {
      return storageFailure(error, location);
    } catch (failure) {
      if (failure instanceof DocketError && failure.type === "BucketInOtherRegion") regions.forget(location.bucket);
      throw failure;
    }
  };

  const pinned = (etag: string | undefined) => (etag === undefined ? {} : { IfMatch: etag });

  const openObject = async (location: DocumentLocation, signal?: AbortSignal, etag?: string) => {
    const client = await clientOf(location);
    const answer = await client
      .send(new GetObjectCommand({ ...object(location), ...pinned(etag) }), signal ? { abortSignal: signal } : {})
      .catch((error) => fail(error, location));
    return { facts: factsOf(answer), body: answer.Body as Readable };
  };

  /** @returns null past the object's end */
  const readRange = async (location: DocumentLocation, offset: number, length: number, etag?: string) => {
    const range = `bytes=${offset}-${offset + length - 1}`;
    const client = await clientOf(location);
    try {
      const answer = await client.send(new GetObjectCommand({ ...object(location), ...pinned(etag), Range: range }));
      // A server that ignores the range would hand over the whole object.
      if ((answer.ContentLength ?? 0) > length) {
        (answer.Body as Readable | undefined)?.destroy();
        throw new DocketError("StorageUnavailable", `S3 ignored the range ${range} of ${describe(location)}.`);
      }
      return { facts: factsOf(answer), bytes: (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0) };
    } catch (error) {
      if (statusOf(error) === 416) return null;
      return fail(error, location);
    }
  };

  return {
    async head(location) {
      const client = await clientOf(location);
      return factsOf(
        await client.send(new HeadObjectCommand(object(location))).catch((error) => fail(error, location)),
      );
    },

    async readStart(location, length) {
      const part = await readRange(location, 0, length);
      // An empty object has no range.
      if (part === null) return { facts: await this.head(location), start: new Uint8Array(0) };
      return { facts: part.facts, start: part.bytes };
    },

    open: (location, signal) => openObject(location, signal),

    async read(location, offset, length, etag) {
      if (length <= 0) return new Uint8Array(0);
      return (await readRange(location, offset, length, etag))?.bytes ?? new Uint8Array(0);
    },

    async readWhole(location) {
      const client = await clientOf(location);
      try {
        const answer = await client.send(new GetObjectCommand(object(location)));
        return (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
      } catch (error) {
        return fail(error, location);
      }
    },

    async openStream(location, signal, etag) {
      return (await openObject(location, signal, etag)).body;
    },

    async upload(bucket, key, body, uploadOptions = {}) {
      const upload = new Upload({
        client: await clientOf({ bucket }),
        params: {
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: uploadOptions.contentType,
          Metadata: uploadOptions.metadata,
          ...encryption,
        },
        partSize: 8 * 1024 * 1024,
        queueSize: 2,
      });
      upload.on("httpUploadProgress", (progress) => uploadOptions.onProgress?.(progress.loaded ?? 0));
      const abort = () => void upload.abort();
      uploadOptions.signal?.addEventListener("abort", abort, { once: true });
      try {
        await upload.done();
      } catch (error) {
        fail(error, { bucket, key });
      } finally {
        uploadOptions.signal?.removeEventListener("abort", abort);
      }
    },

    async uploadInParts(file) {
      await uploadInParts(await clientOf(file), file);
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
      await client.send(new DeleteObjectCommand(object(location))).catch((error) => fail(error, location));
    },

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
          // "null" is how a bucket without versions names the only one.
          key === undefined ? [] : [{ key, ...(version === undefined || version === "null" ? {} : { version }) }],
      );
    },

    bucketRegion: (bucket) => regions.regionOf(bucket),
    close: () => regions.close(),
  };
}

/** What an answer's headers say of the whole object, be it of all of it or of a range. */
function factsOf(answer: {
  ContentLength?: number | undefined;
  ContentRange?: string | undefined;
  ETag?: string | undefined;
  VersionId?: string | undefined;
  Metadata?: Record<string, string> | undefined;
}): ObjectFacts {
  const whole = /\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1];
  return {
    size: whole === undefined ? (answer.ContentLength ?? 0) : Number(whole),
    etag: answer.ETag ?? "",
    version: answer.VersionId,
    metadata: answer.Metadata ?? {},
  };
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}
