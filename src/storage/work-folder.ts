import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

type Purpose = "ocr" | "pages" | "export";

/** Folders that one sweep removes at most; what is left over is for the next start. */
const mostSwept = 1000;

/** A temporary folder whose name says which process it belongs to, so that it can be swept when that one was killed. */
export function makeWorkFolder(purpose: Purpose): Promise<string> {
  return mkdtemp(join(tmpdir(), `docket-${purpose}-${place()}-${process.pid}-`));
}

/**
 * Removes the temporary folders of Docket's processes that ended without removing them. Only folders of this machine's
 * (or container's) processes, by their name, are looked at, and only those of a process that is gone; what cannot be
 * removed is left.
 * @returns how many were removed
 */
export async function sweepWorkFolders(): Promise<number> {
  const name = new RegExp(`^docket-(?:ocr|pages|export)-${place()}-(\\d+)-\\w{6}$`);
  const entries = await readdir(tmpdir(), { withFileTypes: true }).catch(() => []);
  let swept = 0;
  for (const entry of entries) {
    const pid = Number(name.exec(entry.name)?.[1]);
    if (!entry.isDirectory() || Number.isNaN(pid) || isAlive(pid)) continue;
    const removed = await rm(join(tmpdir(), entry.name), { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (removed && ++swept === mostSwept) break;
  }
  return swept;
}

/** Where process ids mean the same: containers may share a temporary folder, but not their processes. */
function place(): string {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Only Linux has them.
  }
  return createHash("sha256").update(`${hostname()} ${namespace}`).digest("hex").slice(0, 8);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
