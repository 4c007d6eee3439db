import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const mebibyte = 1024 * 1024;

/** Node itself does not start below this (measured with Node 20 on Linux x64). */
const leastDataBytes = 192 * mebibyte;
/** What Node takes beside the engine: its heap, its code, the compiled engines, the picture that is read. */
const besideEngineBytes = 116 * mebibyte;
const leastEngineBytes = 32 * mebibyte;

/** How a limit on resident memory is divided up. */
export interface MemoryPlan {
  /** Private writable memory that the kernel grants the process (RLIMIT_DATA), bytes. */
  dataBytes: number;
  /** WebAssembly memory of one engine, bytes. */
  engineBytes: number;
}

export function planMemory(limitBytes: number): MemoryPlan {
  return {
    dataBytes: Math.max(leastDataBytes, limitBytes),
    engineBytes: Math.max(leastEngineBytes, limitBytes - besideEngineBytes),
  };
}

/**
 * The command that starts Node within the plan. Only RLIMIT_DATA holds: RLIMIT_AS fails on WebAssembly's guard
 * regions, and V8's own limits do not count WebAssembly. Linux alone counts mapped memory against it, so elsewhere the
 * watch ({@link residentBytes}) has to do.
 */
export function boundedNode(script: string, plan: MemoryPlan): { command: string; arguments: string[] } {
  const node = [
    "--expose-gc",
    "--max-old-space-size=64",
    "--max-semi-space-size=1",
    // Threads of V8 that compile in the background; each has a stack and an arena of its own.
    "--v8-pool-size=1",
    // Ten times V8's own value: functions are optimised later, which saves a fifth of a short document's processor time
    // and costs a long one nothing.
    "--wasm-tiering-budget=20000000",
    script,
  ];
  if (process.platform !== "linux") return { command: process.execPath, arguments: node };
  // A limit that is lower already stays; `exec` keeps the process id.
  const limit = `ulimit -d ${Math.floor(plan.dataBytes / 1024)} 2>/dev/null; exec "$0" "$@"`;
  return { command: "/bin/sh", arguments: ["-c", limit, process.execPath, ...node] };
}

/** The child's environment: nothing of its parent's secrets, and one arena, for each would keep its own free memory. */
export const childEnvironment = { MALLOC_ARENA_MAX: "1", UV_THREADPOOL_SIZE: "1" };

/** Resident memory of a process, bytes; undefined when it is gone. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    if (process.platform === "linux") {
      const [, kibibytes] = /VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, "latin1")) ?? [];
      return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
    }
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
    return Number(stdout.trim()) * 1024;
  } catch {
    // The process ended between two looks.
    return undefined;
  }
}
