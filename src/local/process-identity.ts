import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A process as it can be written down and recognised later, although process ids are used again. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the operating system's own terms; compared, never interpreted. */
  started: string;
}

/** The identity of a living process; null when there is none with this id, or only its unreaped remains. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  const started = process.platform === "linux" ? await startOnLinux(pid) : await startByPs(pid);
  return started === null ? null : { pid, started };
}

/** Whether exactly this process is still alive. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.started === identity.started;
}

// proc(5): field 3 is the state, field 22 the start in clock ticks since boot; the boot tells boots apart.
async function startOnLinux(pid: number): Promise<string | null> {
  const [stat, boot] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8").catch(() => null),
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
  ]);
  if (stat === null) return null;
  // The command's name stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, ticks] = [fields[0], fields[19]];
  if (state === "Z" || state === "X") return null;
  return `${boot.trim()}/${ticks}`;
}

async function startByPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    });
    const [state = "", ...start] = stdout.trim().split(/\s+/);
    return state === "" || state.startsWith("Z") ? null : start.join(" ");
  } catch {
    // ps ends with 1 when there is no such process.
    return null;
  }
}
