import { mkdir, readFile, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DocketError } from "../contract/failures.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process-identity.ts";
import { isWithoutRoom } from "./textract/disk-room.ts";

export interface LockOptions {
  /** Longest wait for the lock. Default: 120,000. */
  waitMilliseconds?: number;
  signal?: AbortSignal | undefined;
  /** Told once when another process holds the lock. */
  onWait?(holder: number): void;
}

// Longer than any process takes from creating the file to having written it.
const unwrittenMilliseconds = 5000;

/**
 * Runs something while no other process of this machine holds the lock. The lock is a file that names its holder; one
 * whose holder died is taken over at once, which locks that go by age cannot do.
 * @throws {DocketError} `Internal` when the lock cannot be had in time
 */
export async function withLock<T>(path: string, run: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await acquire(path, options);
  try {
    return await run();
  } finally {
    await unlink(path);
  }
}

async function acquire(path: string, options: LockOptions): Promise<void> {
  const own = JSON.stringify(await identifyProcess(process.pid));
  const deadline = Date.now() + (options.waitMilliseconds ?? 120_000);
  let told = false;
  while (!(await tryCreate(path, own))) {
    options.signal?.throwIfAborted();
    const holder = await readHolder(path);
    if (holder === "dead") {
      await removeDead(path);
      continue;
    }
    if (holder !== null && !told) {
      told = true;
      options.onWait?.(holder.pid);
    }
    if (Date.now() > deadline) {
      const who = holder === null ? "another process" : `process ${holder.pid}`;
      throw new DocketError("Internal", `${path} is held by ${who} for too long.`, {
        remedy: "Wait for that process or end it, then run again.",
      });
    }
    await sleep(50);
  }
}

async function tryCreate(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    // On a full disk the file is made and stays empty, which would keep others waiting; other errors come before it.
    if (isWithoutRoom(error)) await unlink(path).catch(() => {});
    throw error;
  }
}

/** Null: just given back, or just being taken. */
async function readHolder(path: string): Promise<ProcessIdentity | "dead" | null> {
  try {
    const holder = JSON.parse(await readFile(path, "utf8")) as ProcessIdentity;
    return (await isAlive(holder)) ? holder : "dead";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    if (!(error instanceof SyntaxError)) throw error;
    return (await age(path)) > unwrittenMilliseconds ? "dead" : null;
  }
}

// Two processes that find the same dead lock must not remove each other's fresh one: removing has a lock of its own.
async function removeDead(path: string): Promise<void> {
  const guard = `${path}.removing`;
  try {
    await mkdir(guard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if ((await age(guard)) > unwrittenMilliseconds) await rmdir(guard).catch(() => {});
    await sleep(20);
    return;
  }
  try {
    if ((await readHolder(path)) === "dead") await unlink(path);
  } finally {
    await rmdir(guard);
  }
}

/** Milliseconds since the last change; 0 for what is gone. */
async function age(path: string): Promise<number> {
  const facts = await stat(path).catch(() => null);
  return facts === null ? 0 : Date.now() - facts.mtimeMs;
}
