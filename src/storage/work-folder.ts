import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

type Purpose = "ocr" | "pages" | "export";

/** Folders that one sweep removes at most; what is left over is for the next. */
const mostSwept = 1000;

/**
 * How long a folder of a process that cannot be asked for is left alone after anything in it was last written,
 * milliseconds. Longer than any document is at work.
 */
const leftAloneMilliseconds = 24 * 60 * 60 * 1000;

const sweepMilliseconds = 60 * 60 * 1000;

const folderName = /^docket-(?:ocr|pages|export)-(\w{8})-(\w{8})-(\d+)-\w{6}$/;

/** A temporary folder whose name says which process it belongs to, so that it can be swept when that one was killed. */
export function makeWorkFolder(purpose: Purpose): Promise<string> {
  const { host, namespace } = place();
  return mkdtemp(join(tmpdir(), `docket-${purpose}-${host}-${namespace}-${process.pid}-`));
}

/**
 * Sweeps at the start of a process, and every hour while it runs: of a process that was killed just before, nobody may be
 * able to say yet that it is gone.
 * @param told how many folders a sweep has removed, where it has removed any
 * @returns ends the sweeping
 */
export async function keepWorkFoldersSwept(
  told: (removed: number) => void,
  { milliseconds = sweepMilliseconds } = {},
): Promise<() => void> {
  const sweep = async () => {
    const removed = await sweepWorkFolders();
    if (removed > 0) told(removed);
  };
  await sweep();
  // What one sweep is removing, another would count too.
  let isSweeping = false;
  const timer = setInterval(async () => {
    if (isSweeping) return;
    isSweeping = true;
    await sweep().finally(() => {
      isSweeping = false;
    });
  }, milliseconds).unref();
  return () => clearInterval(timer);
}

/**
 * Removes the temporary folders of Docket's processes that ended without removing them. Of this machine's (or
 * container's) processes, by their name, only those of one that is gone; what cannot be removed is left. Whether a process
 * of another machine or container lives cannot be asked, nor one from before a container was started again, under the same
 * name or, with the volume of the one before, under another: their folders go when nothing in them was written for a day.
 * @returns how many were removed
 */
export async function sweepWorkFolders(): Promise<number> {
  const here = place();
  const entries = await readdir(tmpdir(), { withFileTypes: true }).catch(() => []);
  let swept = 0;
  for (const entry of entries) {
    const [, host, namespace, pid] = folderName.exec(entry.name) ?? [];
    if (!entry.isDirectory() || host === undefined) continue;
    const folder = join(tmpdir(), entry.name);
    const isOfHere = host === here.host && namespace === here.namespace;
    if (await isUsed(folder, isOfHere ? Number(pid) : undefined)) continue;
    const removed = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (removed && ++swept === mostSwept) break;
  }
  return swept;
}

/** Where process ids mean the same: containers may share a temporary folder, but not their processes. */
function place(): { host: string; namespace: string } {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Only Linux has them.
  }
  return { host: short(hostname()), namespace: short(namespace) };
}

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** @param pid of the process that made the folder; undefined: it cannot be asked for */
async function isUsed(folder: string, pid: number | undefined): Promise<boolean> {
  if (pid === undefined) return !(await wasWrittenBefore(folder, Date.now() - leftAloneMilliseconds));
  // Ids come again, as 1 does in each container: what is older than this process is of one before.
  if (pid === process.pid) return !(await wasWrittenBefore(folder, performance.timeOrigin));
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Whether a folder and the files in it were last written before a time, milliseconds of the epoch. */
async function wasWrittenBefore(folder: string, time: number): Promise<boolean> {
  try {
    const names = await readdir(folder);
    const written = await Promise.all([folder, ...names.map((name) => join(folder, name))].map((path) => stat(path)));
    return written.every(({ mtimeMs }) => mtimeMs < time);
  } catch {
    // Gone, or changing at this moment.
    return false;
  }
}
