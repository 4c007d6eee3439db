import { randomUUID } from "node:crypto";
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DocketError } from "../contract/failures.ts";

/**
 * A file that has no name any more: only who is given its descriptor can read it, and it is gone with the last one who
 * has it, whatever becomes of the processes.
 *
 * @returns its descriptor, at the start of the content; the caller closes it
 * @throws {DocketError} `StorageUnavailable` when the disk is full, `InvalidInput` when the folder cannot be written
 */
export function namelessFile(folder: string, content: Uint8Array): number {
  let descriptor: number;
  try {
    const path = join(folder, `docket-page-${randomUUID()}`);
    descriptor = openSync(path, "wx+", 0o600);
    unlinkSync(path);
  } catch (error) {
    throw failureOf(error as NodeJS.ErrnoException, folder);
  }
  try {
    writeNamelessFile(descriptor, content, folder);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * Gives such a file another content.
 * @param folder that it was made in, for messages
 * @throws {DocketError} as {@link namelessFile}
 */
export function writeNamelessFile(descriptor: number, content: Uint8Array, folder: string): void {
  try {
    ftruncateSync(descriptor, 0);
    // Told where to write, the system leaves the descriptor's own place at the start.
    for (let done = 0; done < content.length; ) {
      done += writeSync(descriptor, content, done, content.length - done, done);
    }
  } catch (error) {
    throw failureOf(error as NodeJS.ErrnoException, folder);
  }
}

function failureOf(cause: NodeJS.ErrnoException, folder: string): DocketError {
  if (cause.code === "ENOSPC") {
    return new DocketError("StorageUnavailable", `No space is left on the disk: ${cause.message}`, {
      remedy: "Free space on the disk that holds the temporary folder; the work waits.",
      cause,
    });
  }
  return new DocketError("InvalidInput", `A page's picture cannot be written to ${folder}: ${cause.message}`, {
    remedy: "Let TMPDIR name a folder that can be written.",
    cause,
  });
}
