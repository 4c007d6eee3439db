import { createReadStream } from "node:fs";
import { appendFile, type FileHandle, open } from "node:fs/promises";

/** Where a line stands in its file, bytes without the line feed. */
export interface LinePlace {
  offset: number;
  length: number;
}

/**
 * Reads a file of JSON lines without holding it in memory. A last line that a crash cut off is left out.
 * @param onLine returns false to stop before this line
 * @returns bytes up to the end of the last line that was taken
 */
export async function scanJsonLines(
  path: string,
  onLine: (value: unknown, place: LinePlace) => boolean,
): Promise<number> {
  let offset = 0;
  let pending: Buffer[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      pending = [];
      const value = parse(line);
      if (value === undefined || !onLine(value, { offset, length: line.length })) return offset;
      offset += line.length + 1;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) pending.push(rest);
  }
  return offset;
}

/** A file that is only added to. */
export interface JsonLines {
  /** Bytes written so far. */
  readonly size: number;
  /** Adds a line; it is on the disk when this resolves. Lines of callers at the same time share one flush. */
  append(value: object): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file for adding lines, and hands every line that it holds to `onLine` first. What follows the last whole
 * line is what a crash cut off before anyone was told of it: it is moved to `<path>.torn`.
 */
export async function openJsonLines(path: string, onLine: (value: unknown) => void): Promise<JsonLines> {
  const file = await open(path, "a+", 0o600);
  let size = await scanJsonLines(path, (value) => {
    onLine(value);
    return true;
  });
  await cutTail(file, path, size);

  let waiting: { line: Buffer; resolve(): void; reject(error: unknown): void }[] = [];
  let writing: Promise<void> | undefined;
  return {
    get size() {
      return size;
    },
    append: (value) =>
      new Promise((resolve, reject) => {
        waiting.push({ line: Buffer.from(`${JSON.stringify(value)}\n`), resolve, reject });
        writing ??= flush();
      }),
    async close() {
      await writing;
      await file.close();
    },
  };

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const bytes = Buffer.concat(batch.map(({ line }) => line));
      try {
        await file.appendFile(bytes);
        await file.datasync();
        size += bytes.length;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // Half a line must not stand before the next one.
        await file.truncate(size).catch(() => {});
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same step as the last look at `waiting`: a line that comes later must start a flush of its own.
    writing = undefined;
  }
}

async function cutTail(file: FileHandle, path: string, size: number): Promise<void> {
  const tail = Buffer.alloc((await file.stat()).size - size);
  if (tail.length === 0) return;
  await file.read(tail, 0, tail.length, size);
  await appendFile(`${path}.torn`, tail);
  await file.truncate(size);
}

// Undefined for a line that was not written whole.
function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
