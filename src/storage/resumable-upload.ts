import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type Part,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { DocketError } from "../contract/failures.ts";
import type { Encryption } from "./bucket-access.ts";
import { findUpload, isGone, mostParts } from "./multipart-uploads.ts";
import { storageFailure } from "./storage-failure.ts";

/** Bytes of a part; S3 takes parts of at least 5 MiB. Another size would make nothing of what was sent before. */
const partBytes = 8 * 1024 * 1024;
/** Parts on their way at once, each in memory. */
const partsAtOnce = 2;

/** A file that is to become an object. */
export interface FileUpload {
  bucket: string;
  key: string;
  path: string;
  /** Bytes. */
  size: number;
  /** Hexadecimal; the key must belong to this content. */
  sha256: string;
  /** What messages call the file. */
  shown: string;
  contentType: string;
  signal?: AbortSignal | undefined;
}

/** Smallest file that is sent in parts. */
export const resumableBytes = partBytes + 1;

/**
 * Uploads a large file in parts, and goes on where an upload of the same key stopped: its parts are compared with the
 * file by their checksums and only the others are sent. The file is read once, in parts, and hashed as a whole meanwhile. An
 * upload that is interrupted stays in S3 until it is gone on with, or a lifecycle rule of the bucket removes it.
 * @throws {DocketError} `ObjectChanged` when the file is not any more what was hashed, and what S3 refuses with
 */
export async function uploadInParts(client: S3Client, file: FileUpload, encryption: Encryption): Promise<void> {
  const { bucket: Bucket, key: Key, signal } = file;
  const options = signal === undefined ? {} : { abortSignal: signal };
  try {
    const begun = await goOnWith(client, file, encryption);
    const UploadId = begun?.id ?? (await beginUpload(client, file, encryption));
    const upload = { Bucket, Key, UploadId };
    const parts = await sendParts(client, file, upload, begun?.parts ?? new Map());
    if (parts === null) {
      await client.send(new AbortMultipartUploadCommand(upload));
      throw new DocketError("ObjectChanged", `${file.shown} changed while it was being uploaded; hand it in again.`);
    }
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
    await client.send(complete, options);
  } catch (error) {
    signal?.throwIfAborted();
    // Another process that uploads the same content has completed what both were at: the next try finds the object.
    if (isGone(error)) {
      const message = `The upload of ${file.shown} was completed or removed by somebody else.`;
      throw new DocketError("StorageUnavailable", message, { cause: error });
    }
    storageFailure(error, { bucket: Bucket, key: Key });
  }
}

/** The upload to go on with; null where there is none, or what is there is encrypted with something else. */
async function goOnWith(client: S3Client, file: FileUpload, encryption: Encryption) {
  const begun = await findUpload(client, file);
  if (begun === null || encryption.SSEKMSKeyId === undefined) return begun;
  // Lists do not tell how an upload is encrypted, the answer to a part does: the first one is always sent.
  const upload = { Bucket: file.bucket, Key: file.key, UploadId: begun.id };
  const body = await firstPart(file);
  if (body === null) return begun;
  const answer = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: body }));
  if (isEncryptedWith(answer, encryption.SSEKMSKeyId)) {
    begun.parts.set(1, { ...answer, Size: body.length });
    return begun;
  }
  await client.send(new AbortMultipartUploadCommand(upload));
  return null;
}

/** S3 names the key by its ARN, whose end is the key's id; an alias cannot be told from another. */
function isEncryptedWith(answer: { ServerSideEncryption?: string; SSEKMSKeyId?: string }, key: string): boolean {
  if (answer.ServerSideEncryption !== "aws:kms") return false;
  return key.includes("alias/") || answer.SSEKMSKeyId === undefined || answer.SSEKMSKeyId.endsWith(key);
}

/** @returns null where the file is shorter by now */
async function firstPart({ path, size }: FileUpload): Promise<Buffer | null> {
  const handle = await open(path);
  try {
    const body = Buffer.alloc(Math.min(bytesOfPart(size), size));
    return (await readFully(handle, body, 0)) ? body : null;
  } finally {
    await handle.close();
  }
}

function bytesOfPart(size: number): number {
  return Math.max(partBytes, Math.ceil(size / mostParts));
}

async function beginUpload(client: S3Client, file: FileUpload, encryption: Encryption): Promise<string> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      Bucket: file.bucket,
      Key: file.key,
      ContentType: file.contentType,
      Metadata: { sha256: file.sha256 },
      // S3 keeps what parts are sent with only where the upload was begun with it, and asks for it at the end then.
      ChecksumAlgorithm: "CRC32",
      ...encryption,
    }),
  );
  if (UploadId === undefined) throw new DocketError("StorageUnavailable", "S3 began an upload and named no id for it.");
  return UploadId;
}

/** Sends the parts that are not there. @returns all of them, or null when the file is not what was hashed */
async function sendParts(
  client: S3Client,
  { path, size, sha256, signal }: FileUpload,
  upload: { Bucket: string; Key: string; UploadId: string },
  there: ReadonlyMap<number, Part>,
): Promise<CompletedPart[] | null> {
  const whole = createHash("sha256");
  const step = bytesOfPart(size);
  const parts: CompletedPart[] = [];
  const sending = new Set<Promise<void>>();
  const handle = await open(path);
  try {
    for (let number = 1, offset = 0; offset < size; number++, offset += step) {
      signal?.throwIfAborted();
      const body = Buffer.alloc(Math.min(step, size - offset));
      if (!(await readFully(handle, body, offset))) return null;
      whole.update(body);
      const known = there.get(number);
      if (known !== undefined && isPart(known, body)) {
        parts[number - 1] = completed(number, known);
        continue;
      }
      const sent = send(number, body);
      sending.add(sent);
      // One that fails stays, and is what the next wait throws.
      sent.then(
        () => sending.delete(sent),
        () => {},
      );
      if (sending.size >= partsAtOnce) await Promise.race(sending);
    }
    await Promise.all(sending);
  } finally {
    // One that failed ends the upload; the others are not left to fail unheard.
    await Promise.allSettled(sending);
    await handle.close();
  }
  return whole.digest("hex") === sha256 ? parts : null;

  async function send(number: number, body: Buffer): Promise<void> {
    const request = new UploadPartCommand({ ...upload, PartNumber: number, Body: body });
    parts[number - 1] = completed(number, await client.send(request, signal ? { abortSignal: signal } : {}));
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

/** @returns false where the file ends before the part does */
async function readFully(handle: Handle, body: Buffer, offset: number): Promise<boolean> {
  for (let filled = 0; filled < body.length; ) {
    const { bytesRead } = await handle.read(body, filled, body.length - filled, offset + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

/**
 * By the MD5 that S3 tells of a part, or, where its entity tag is none (a bucket or an upload with a KMS key), by the
 * CRC-32 that the part was sent with: the key belongs to the content, so that only damage has to be told.
 */
function isPart(part: Part, body: Buffer): boolean {
  if (part.Size !== body.length) return false;
  if (part.ETag?.replaceAll('"', "") === createHash("md5").update(body).digest("hex")) return true;
  return part.ChecksumCRC32 !== undefined && part.ChecksumCRC32 === crc32Of(body);
}

/** As S3 writes it: base64 of four bytes, the highest first. */
function crc32Of(body: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return sum.toString("base64");
}

/** A part as the end of the upload names it, with whatever checksum S3 keeps of it. */
function completed(number: number, part: CompletedPart): CompletedPart {
  const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = part;
  const sums = { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
  return { PartNumber: number, ...Object.fromEntries(Object.entries(sums).filter(([, value]) => value !== undefined)) };
}
