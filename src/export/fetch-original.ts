import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { describe } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { collectGarbage } from "./free-memory.ts";

const rangeBytes = 1024 * 1024;
/** A range that is done is garbage of its whole size, several times over in the client's buffers. */
const rangesBetweenCollections = 4;

/**
 * Copies a document from S3 to a file, range after range, so that no more than one range is in memory, and makes sure
 * that it is the content that was read: text must never be laid over another document that took its key.
 * @param sha256 of the content that was read, hexadecimal; null where it is not known
 * @param signal ends the copying between two ranges
 * @throws {DocketError} `ObjectMissing`, `ObjectForbidden`, `StorageUnavailable`; `ObjectChanged`
 */
export async function fetchOriginal(
  storage: ObjectStorage,
  location: DocumentLocation,
  sha256: string | null,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const { size } = await storage.head(location);
  const hash = createHash("sha256");
  const file = await open(path, "w", 0o600);
  try {
    for (let offset = 0; offset < size; ) {
      signal?.throwIfAborted();
      const bytes = await storage.read(location, offset, Math.min(rangeBytes, size - offset));
      if (bytes.length === 0) throw new DocketError("ObjectChanged", `${describe(location)} became shorter.`);
      hash.update(bytes);
      await file.write(bytes, 0, bytes.length, offset);
      offset += bytes.length;
      if (offset % (rangesBetweenCollections * rangeBytes) === 0) collectGarbage();
    }
  } finally {
    await file.close();
  }
  if (sha256 !== null && hash.digest("hex") !== sha256) {
    throw new DocketError("ObjectChanged", `${describe(location)} is not the content any more that was read.`, {
      remedy: "Submit the new content as a document of its own, or put the old content back under the key.",
    });
  }
}
