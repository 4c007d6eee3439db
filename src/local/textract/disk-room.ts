import { statfs } from "node:fs/promises";
import type { JobDocument } from "./textract-job.ts";

/** Before the first job that found no room runs again. */
const shortestPause = 1000;
/** A disk that others fill has room within minutes or not for hours; each try reads from S3 and writes. */
const longestPause = 4 * 60_000;

/** Milliseconds before a job that found no room runs again: twice as long each time. @param round from 0 */
export function pauseForRoom(round: number): number {
  return Math.min(shortestPause * 2 ** round, longestPause);
}

/**
 * Refuses a document that is larger than what is free, before a byte of it is written: filling the disk with it would
 * take the room from everything else that writes there.
 * @throws an `ENOSPC`, see {@link isWithoutRoom}
 */
export async function requireRoom(folder: string, { bucket, key, size }: JobDocument): Promise<void> {
  // A file system that does not tell its size, or nothing at all, is tried.
  const disk = await statfs(folder).catch(() => null);
  if (disk === null || disk.blocks === 0) return;
  const free = disk.bavail * disk.bsize;
  if (size <= free) return;
  const message =
    `No room in ${folder} for s3://${bucket}/${key}: ${size} bytes, and ${free} are free. ` +
    "Its job goes on once there is room: make some, or take a larger disk.";
  throw Object.assign(new Error(message), { code: "ENOSPC" });
}

/** Whether a file of ours found no room on the disk; also the document's, which is downloaded. */
export function isWithoutRoom(error: unknown): boolean {
  const { code, cause } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT" || (cause instanceof Error && isWithoutRoom(cause));
}
