import { readdirSync, readFileSync } from "node:fs";

/** The most memory that a process held so far, MiB; 0 when it is gone. Linux only. */
export function peakMebibytes(pid: number): number {
  const [, kibibytes = "0"] = /VmHWM:\s*(\d+)/.exec(read(`/proc/${pid}/status`)) ?? [];
  return Math.round(Number(kibibytes) / 1024);
}

/** Notes the peaks of the recognisers that these processes start, until it is stopped: they do not live long. */
export function watchRecognizers(parents: readonly number[]): { stop(): number } {
  let peak = 0;
  const watch = setInterval(() => {
    for (const child of parents.flatMap(childrenOf)) {
      // Looked at first: until a child runs its own program, it has its parent's command line and peak.
      if (read(`/proc/${child}/cmdline`).includes("recognize-child")) peak = Math.max(peak, peakMebibytes(child));
    }
  }, 25);
  return {
    stop() {
      clearInterval(watch);
      return peak;
    },
  };
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      read(`/proc/${pid}/task/${task}/children`).split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** A file of a process; empty when that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
