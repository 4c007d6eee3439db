import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** What was written. */
export interface WrittenFile {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/**
 * Writes a file under a temporary name beside it and renames it when it is whole and on the disk: at any moment there
 * is the old file, the new one, or none, and never a part of one.
 */
export async function writeAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<WrittenFile> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.partial`;
  try {
    await write(temporary);
    const handle = await open(temporary, "r+");
    let written: WrittenFile;
    try {
      written = await digest(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    return written;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function digest(handle: FileHandle): Promise<WrittenFile> {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(256 * 1024);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest("hex") };
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}
