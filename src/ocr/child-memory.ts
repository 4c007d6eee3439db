import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { DocketError } from "../contract/failures.ts";
import { youngBufferFlags } from "../media/young-buffers.ts";

const mebibyte = 1024 * 1024;

/** Node itself does not start below this (measured with Node 20 on Linux x64). */
const leastDataBytes = 192 * mebibyte;
/** What Node takes beside the engine: its heap, its code, the compiled engines, the picture that is read. */
const besideEngineBytes = 152 * mebibyte;
const leastEngineBytes = 32 * mebibyte;
/** What Node holds while the user's own program reads: no engine and no picture. */
const besideNativeBytes = 96 * mebibyte;
/** A page at 300 DPI takes 80 MiB (measured with Tesseract 5.3). */
const leastNativeBytes = 64 * mebibyte;

/** How a limit on resident memory is divided up. */
export interface MemoryPlan {
  /** Private writable memory that the kernel grants the process (RLIMIT_DATA), bytes. */
  dataBytes: number;
  /** WebAssembly memory of one engine, bytes. */
  engineBytes: number;
  /** Private writable memory of the user's own `tesseract`, which runs beside a Node that has dropped what it drew. */
  nativeBytes: number;
}

export function planMemory(limitBytes: number): MemoryPlan {
  return {
    dataBytes: Math.max(leastDataBytes, limitBytes),
    engineBytes: Math.max(leastEngineBytes, limitBytes - besideEngineBytes),
    nativeBytes: Math.max(leastNativeBytes, limitBytes - besideNativeBytes),
  };
}

const nodeFlags = [
  "--expose-gc",
  "--max-old-space-size=64",
  "--max-semi-space-size=1",
  ...youngBufferFlags,
  // Threads of V8 that compile in the background; each has a stack and an arena of its own.
  "--v8-pool-size=1",
  // With threads the memory of an engine is counted as free one collection later than it is: a second one for nothing.
  "--single-threaded-gc",
  // Ten times V8's own value: functions are optimised later, which saves a fifth of a short document's processor time
  // and costs a long one nothing.
  "--wasm-tiering-budget=20000000",
];

/**
 * The command that starts Node within the plan. Only RLIMIT_DATA holds: RLIMIT_AS fails on WebAssembly's guard
 * regions, and V8's own limits do not count WebAssembly. Linux alone counts mapped memory against it, so elsewhere the
 * watch ({@link residentBytes}) has to do.
 *
 * Processor time is limited as well, for a child whose parent was killed: it is told so by an event, which waits for
 * ever behind a decoder that runs without end.
 * @param milliseconds that the parent gives the child at most
 * @throws {DocketError} `Internal` when Node cannot be started
 */
export async function boundedNode(
  script: string,
  plan: MemoryPlan,
  milliseconds: number,
): Promise<{ command: string; arguments: string[] }> {
  if (process.platform !== "linux") return { command: process.execPath, arguments: [...nodeFlags, script] };
  const dataBytes = plan.dataBytes + (await reservedBytes());
  // A limit that is lower already stays; `exec` keeps the process id.
  const kibibytes = Math.floor(dataBytes / 1024);
  const limit = `ulimit -d ${kibibytes} 2>/dev/null; ulimit -t ${processorSeconds(milliseconds)} 2>/dev/null; exec "$0" "$@"`;
  return { command: "/bin/sh", arguments: ["-c", limit, process.execPath, ...nodeFlags, script] };
}

/** More than a child can use in its time: beside the engine's thread there are V8's, which compile and collect. */
function processorSeconds(milliseconds: number): number {
  return 60 + Math.ceil((2 * milliseconds) / 1000);
}

/** Data memory of an idle Node, apart from what it only reserves. */
const idleBytes = 32 * mebibyte;
let reserved: Promise<number> | undefined;

/**
 * Memory that Node reserves at its start, and does not use, but the kernel counts: nothing up to Node 22, 512 MiB for
 * code in Node 24. Measured once.
 */
function reservedBytes(): Promise<number> {
  const program = 'process.stdout.write(require("node:fs").readFileSync("/proc/self/status", "latin1"))';
  reserved ??= promisify(execFile)(process.execPath, [...nodeFlags, "-e", program], { env: childEnvironment }).then(
    ({ stdout }) => Math.max(0, statusBytes(stdout, "VmData") - idleBytes),
    (error: Error) => {
      // Of this moment, such as no memory for another process: the next child measures again.
      reserved = undefined;
      throw new DocketError("Internal", `Node cannot be started for the recogniser: ${error.message}`, {
        cause: error,
      });
    },
  );
  return reserved;
}

/** A field of `/proc/<pid>/status`, bytes; 0 where it is missing, as for a process that has ended. */
export function statusBytes(status: string, field: "VmData" | "VmHWM" | "VmRSS"): number {
  const [, kibibytes = "0"] = new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(status) ?? [];
  return Number(kibibytes) * 1024;
}

/**
 * The child's environment: nothing of its parent's secrets; one arena of malloc, for each would keep its own free memory;
 * and pictures outside of it, so that they go back to the system when they are free.
 */
export const childEnvironment = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: String(mebibyte),
  UV_THREADPOOL_SIZE: "1",
};

/** Resident memory, bytes: of a process alone, and together with the program that it runs. */
export interface ResidentBytes {
  own: number;
  total: number;
}

/**
 * Resident memory of a process and of the program that it runs; undefined when it is gone. On Linux by synchronous
 * reads: `/proc` never waits for a disk, and asked for ten times a second, reads by the thread pool take six times the
 * processor time (1.2 ms a look against 0.2).
 */
export async function residentBytes(pid: number): Promise<ResidentBytes | undefined> {
  try {
    if (process.platform === "linux") {
      const own = statusBytes(readFileSync(`/proc/${pid}/status`, "latin1"), "VmRSS");
      let total = own;
      for (const child of textOf(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean)) {
        total += statusBytes(textOf(`/proc/${child}/status`), "VmRSS");
      }
      return own === 0 ? undefined : { own, total };
    }
    const { stdout } = await promisify(execFile)("ps", ["-o", "pid=,rss=", "-g", String(pid)]);
    const resident = { own: 0, total: 0 };
    for (const row of stdout.trim().split("\n").filter(Boolean)) {
      const [process = 0, kibibytes = 0] = row.trim().split(/\s+/).map(Number);
      if (process === pid) resident.own = kibibytes * 1024;
      resident.total += kibibytes * 1024;
    }
    return resident.total === 0 ? undefined : resident;
  } catch {
    // The process ended between two looks.
    return undefined;
  }
}

/** Empty where the process has ended meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
