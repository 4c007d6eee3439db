import type { Readable } from "node:stream";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { FileUpload } from "./resumable-upload.ts";

/** What S3 says of an object without its content. */
export interface ObjectFacts {
  /** Bytes. */
  size: number;
  etag: string;
  /** Set where the bucket keeps versions. */
  version: string | undefined;
  /** When it was put there, to the second. */
  modifiedAt: Date | undefined;
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
  read(
    location: DocumentLocation,
    offset: number,
    length: number,
    etag?: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
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
  open(location: DocumentLocation, signal?: AbortSignal): Promise<{ facts: ObjectFacts; body: Readable }>;
  /** @param etag as for {@link read} */
  openStream(location: DocumentLocation, signal?: AbortSignal, etag?: string): Promise<Readable>;
  /**
   * Uploads without holding the body in memory; parts of 8 MiB, two at a time. One that is given up by its signal has
   * settled when nothing of it is on its way any more: the object may be there all the same.
   */
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
   * marks of deletion included. What was written while it kept none is the version "null", and is removed by that name
   * only.
   */
  listVersions(bucket: string, prefix: string): Promise<{ key: string; version?: string }[]>;
  /**
   * One version of an object, by the listing; without a version the one that was written while the bucket kept none. Null
   * where there is no such version.
   */
  findVersion(location: DocumentLocation): Promise<{ version: string | undefined; etag: string } | null>;
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
