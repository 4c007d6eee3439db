import { access, constants, statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { dirname } from "node:path";
import { formatBytes } from "../render/format.ts";
import { nodeRange } from "../version.ts";
import { type Check, checked, failed, ok, warning } from "./check.ts";

// The embedded parts with two workers need about this much together; measured on the samples.
const comfortableMemoryBytes = 1_500_000_000;
const comfortableDiskBytes = 1_000_000_000;

/** What does not depend on any service: Node, memory, the data folder. */
export async function machineChecks(dataDirectory: string): Promise<Check[]> {
  return [
    nodeCheck(process.versions.node),
    memoryCheck(freeMemory()),
    await checked("data folder", () => diskCheck(dataDirectory)),
  ];
}

/** Node's version against those that Docket runs on. */
export function nodeCheck(version: string): Check {
  if (nodeFits(version, nodeRange)) return ok("Node.js", version);
  return failed("Node.js", `${version} is none of ${nodeRange}`, "Install Node.js 24 (or 22.12 or later of 22).");
}

/** Whether a version is within a range of npm's that is made of `^20.19` and `>=24`, joined by `||`. */
export function nodeFits(version: string, range: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return range.split("||").some((part) => {
    const [, sign, ofMajor, ofMinor = 0] = /^\s*(\^|>=)\s*(\d+)(?:\.(\d+))?/.exec(part) ?? [];
    if (sign === undefined) return false;
    return major === Number(ofMajor) ? minor >= Number(ofMinor) : sign === ">=" && major > Number(ofMajor);
  });
}

export function memoryCheck(bytes: number): Check {
  if (bytes >= comfortableMemoryBytes) return ok("memory", `${formatBytes(bytes)} free`);
  return warning(
    "memory",
    `${formatBytes(bytes)} free`,
    `The embedded parts and the workers want about ${formatBytes(comfortableMemoryBytes)} together: free some.`,
  );
}

/** What may still be used: of the container's limit where there is one, of the machine otherwise. */
function freeMemory(): number {
  // Added to Node 20 after its first releases; freemem() knows nothing of containers.
  return process.availableMemory?.() ?? freemem();
}

async function diskCheck(dataDirectory: string): Promise<Check> {
  const folder = await nearestExisting(dataDirectory);
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable) {
    return failed(
      "data folder",
      `${folder} cannot be written to`,
      "Correct its permissions, or name another folder with --data-directory.",
    );
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= comfortableDiskBytes) return ok("data folder", `${dataDirectory}, ${formatBytes(free)} free`);
  return warning(
    "data folder",
    `${dataDirectory}, only ${formatBytes(free)} free`,
    "Make room, or name another folder with --data-directory.",
  );
}

async function nearestExisting(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists || path === dirname(path)) return path;
  }
}
