import { createReadStream } from "node:fs";
import { extname } from "node:path";
import { pipeline } from "node:stream";
import { DocketError, type FailureType } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { resumableBytes } from "../storage/resumable-upload.ts";
import type { Services } from "./connect.ts";
import type { FoundFile } from "./find-documents.ts";
import { type ContentHash, verifyWhileReading } from "./hash-file.ts";

const contentTypes: Record<string, string> = {
  ".pdf": "application/pdf",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".png": "image/png",
};

/**
 * Puts a file's content into S3, unless one of the places holds it already; then that place is used. Never holds more
 * than a few parts in memory; a large file goes on where an earlier upload of it stopped.
 * @throws {DocketError} `ObjectChanged` when the file is not any more what was hashed, and what S3 refuses with
 */
export async function storeFile(
  services: Services,
  file: FoundFile,
  content: ContentHash,
  [before, target]: [DocumentLocation | null, DocumentLocation],
  signal?: AbortSignal,
): Promise<DocumentLocation> {
  if (
    before !== null &&
    (await holds(services, before, content, [...unseen, "BucketMissing", "BucketInOtherRegion"]))
  ) {
    return before;
  }
  if (await holds(services, target, content, unseen)) return target;
  const contentType = contentTypes[extname(file.path).toLowerCase()] ?? "application/octet-stream";
  if (content.size >= resumableBytes) {
    const { path, file: shown } = file;
    await services.storage.uploadInParts({ ...target, ...content, path, shown, contentType, signal });
    return target;
  }
  const verified = verifyWhileReading(content, file.file);
  // The error that matters reaches whoever reads the verified bytes.
  pipeline(createReadStream(file.path, { highWaterMark: 1024 * 1024 }), verified, () => {});
  try {
    await services.storage.upload(target.bucket, target.key, verified, {
      contentType,
      metadata: { sha256: content.sha256 },
      ...(signal ? { signal } : {}),
    });
  } finally {
    verified.destroy();
  }
  return target;
}

/** S3 says "forbidden" for a missing object where listing is not allowed; the upload tells the two apart. */
const unseen: FailureType[] = ["ObjectMissing", "ObjectForbidden"];

/** @param absent failures that mean that the content is not there */
async function holds(
  services: Services,
  place: DocumentLocation,
  content: ContentHash,
  absent: readonly FailureType[],
): Promise<boolean> {
  try {
    const facts = await services.storage.head(place);
    return facts.size === content.size && facts.metadata["sha256"] === content.sha256;
  } catch (error) {
    if (error instanceof DocketError && absent.includes(error.type)) return false;
    throw error;
  }
}

/** A file name as the last part of an S3 key: no control characters, nothing that a path could be made of. */
export function keyPart(fileName: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return fileName.replace(/[\u0000-\u001f\u007f\\/]/g, "_");
}
