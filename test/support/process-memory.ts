import { readdirSync, readFileSync } from "node:fs";
import { listeningPorts } from "#docket/local/port-owner";

/** The most memory that a process held so far, MiB; 0 when it is gone. Linux only. */
export function peakMebibytes(pid: number): number {
  try {
    const [, kibibytes = "0"] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return Math.round(Number(kibibytes) / 1024);
  } catch {
    return 0;
  }
}

/**
 * Notes the peaks of everything that these processes start, until it is stopped: children do not live long. A child that is
 * just being started has its parent's peak until it runs its own program, so that only what is seen twice counts.
 */
export function watchChildren(parents: readonly number[]): { stop(): number } {
  let peak = 0;
  let seen = new Map<number, number>();
  const watch = setInterval(() => {
    const now = new Map(parents.flatMap(childrenOf).map((child) => [child, peakMebibytes(child)]));
    for (const [child, mebibytes] of now) peak = Math.max(peak, Math.min(mebibytes, seen.get(child) ?? 0));
    seen = now;
  }, 25);
  return {
    stop() {
      clearInterval(watch);
      return peak;
    },
  };
}

/** The process that listens on a port. */
export async function processOfPort(port: number): Promise<number> {
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const ports = await listeningPorts(Number(entry));
    if (ports?.has(port)) return Number(entry);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "latin1"));
    return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  } catch {
    return [];
  }
}
