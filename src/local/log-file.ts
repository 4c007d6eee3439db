import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { copyFile, open, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";

// Of one log; with its predecessor NAME.1 twice as much.
const largestLogBytes = 20_000_000;

/** A part's log, opened for a child process to append to. */
export interface LogFile {
  path: string;
  descriptor: number;
  /** Where the output of this start begins, bytes. */
  start: number;
  /** Closes our descriptor; the child keeps its own. */
  close(): void;
}

/** Opens a log for appending, owner-only, after moving one that has grown too large to `NAME.1`. */
export function openLog(path: string): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (sizeOf(path) > largestLogBytes) renameSync(path, `${path}.1`);
  const descriptor = openSync(path, "a", 0o600);
  return { path, descriptor, start: sizeOf(path), close: () => closeSync(descriptor) };
}

/** Keeps a log bounded while its process writes: appending goes on at the start after truncation. */
export async function boundLog(path: string): Promise<void> {
  const facts = await stat(path).catch(() => null);
  if (facts === null || facts.size <= largestLogBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
}

/** The last lines of a log, at most `count` and 8 KiB, long ones shortened; none from before `start`. */
export async function lastLines(path: string, start: number, count: number): Promise<string[]> {
  const lines = await linesSince(path, (size) => {
    const from = size < start ? 0 : start;
    return { from: Math.max(from, size - 8192), to: size };
  });
  return lines.slice(-count);
}

/**
 * The first line of a log that matches, long ones shortened, in the first 256 KiB from `start` on: a program that
 * panics says why before it prints its stacks, which may be longer than {@link lastLines} looks back.
 */
export async function firstLine(path: string, start: number, pattern: RegExp): Promise<string | null> {
  const lines = await linesSince(path, (size) => ({ from: start, to: Math.min(size, start + 262_144) }));
  return lines.find((line) => pattern.test(line)) ?? null;
}

async function linesSince(path: string, part: (size: number) => { from: number; to: number }): Promise<string[]> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return [];
  try {
    const { from, to } = part((await file.stat()).size);
    const length = Math.max(0, to - from);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
    const lines = buffer.toString("utf8", 0, bytesRead).split("\n");
    return lines.filter((line) => line.trim() !== "").map(shorten);
  } finally {
    await file.close();
  }
}

/** What went wrong stands at the beginning or at the end of a long line. */
function shorten(line: string): string {
  return line.length <= 300 ? line : `${line.slice(0, 140)} ... ${line.slice(-140)}`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
