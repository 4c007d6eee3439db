import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { openLog } from "./log-file.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process-identity.ts";

/** How a part's process is started. */
export interface PartCommand {
  file: string;
  args: string[];
  /** Variables that make this part what it is; a part that runs with others is another part. */
  variables: Record<string, string>;
  /** Variables that it has besides. */
  inherited: NodeJS.ProcessEnv;
  /** Tells versions of the program apart where its path does not. */
  revision?: string;
  /** Working directory. Default: this process's own. */
  directory?: string;
  /** Default: this process's own. */
  user?: { uid: number; gid: number } | undefined;
}

/** Ports by what they serve. */
export type Ports = Record<string, number>;

/** What is written down about a part's process, so that any later process finds it. */
export interface ProcessRecord extends ProcessIdentity {
  ports: Ports;
  /** Tells a process that was started differently. */
  fingerprint: string;
  logPath: string;
  /** Where its output begins in the log, bytes. */
  logStart: number;
}

/** A part's process, whether this process is its parent or not. */
export class PartProcess {
  readonly record: ProcessRecord;
  readonly #child: ChildProcess | null;

  constructor(record: ProcessRecord, child: ChildProcess | null = null) {
    this.record = record;
    this.#child = child;
  }

  async isAlive(): Promise<boolean> {
    if (this.#child !== null) return this.#child.exitCode === null && this.#child.signalCode === null;
    return isAlive(this.record);
  }

  /** How it ended, in words, as far as its parent knows. */
  get ending(): string {
    if (this.#child?.signalCode) return `ended by ${this.#child.signalCode}`;
    return this.#child === null ? "ended" : `ended with code ${this.#child.exitCode}`;
  }

  /** Resolves when the process has ended; false when the time was over first. Keeps no process alive. */
  async ended(milliseconds: number, signal?: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    while (await this.isAlive()) {
      const left = deadline - Date.now();
      if (left <= 0 || signal?.aborted) return false;
      if (this.#child === null) await pause(Math.min(left, 200), signal);
      else await exitOf(this.#child, left, signal);
    }
    return true;
  }

  /** Asks the process to end; after the limit its whole process group is ended by force. */
  async stop(signal: NodeJS.Signals, milliseconds: number): Promise<void> {
    const { pid } = this.record;
    if (!(await this.isAlive())) return;
    send(pid, signal);
    // A timer that counts: this process must not end before the part has.
    const counting = setTimeout(() => {}, milliseconds + 5000);
    try {
      if (await this.ended(milliseconds)) return;
      send(-pid, "SIGKILL");
      await this.ended(5000);
    } finally {
      clearTimeout(counting);
    }
  }
}

/** Resolves after the time or at the signal. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  // The only error is the signal's, and the caller looks at that.
  await sleep(milliseconds, undefined, { ref: false, ...(signal ? { signal } : {}) }).catch(() => {});
}

/** Resolves at the child's end, after the time or at the signal, whichever is first. */
function exitOf(child: ChildProcess, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds).unref();
    child.once("exit", done);
    signal?.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      child.off("exit", done);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Starts a process in a group of its own, so that Ctrl-C in the terminal does not reach it before its turn. */
export async function spawnPart(command: PartCommand, ports: Ports, logPath: string): Promise<PartProcess> {
  const log = openLog(logPath);
  try {
    const child = spawn(command.file, command.args, {
      detached: true,
      stdio: ["ignore", log.descriptor, log.descriptor],
      env: { ...command.inherited, ...command.variables },
      ...(command.directory === undefined ? {} : { cwd: command.directory }),
      ...(command.user ?? {}),
    });
    child.unref();
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    // What has ended already is found out by the first look at it.
    const { started } = (await identifyProcess(pid)) ?? { started: "" };
    const record = { pid, started, ports, fingerprint: fingerprint(command), logPath, logStart: log.start };
    return new PartProcess(record, child);
  } finally {
    log.close();
  }
}

/** A hash of all that makes a command what it is. */
export function fingerprint({ file, args, variables, revision, user }: PartCommand): string {
  return createHash("sha256")
    .update(JSON.stringify([file, args, variables, revision ?? null, user ?? null]))
    .digest("hex");
}

/** The part's process as it was written down, if it still lives. */
export async function readRecord(path: string): Promise<PartProcess | null> {
  try {
    const record = JSON.parse(await readFile(path, "utf8")) as ProcessRecord;
    return (await isAlive(record)) ? new PartProcess(record) : null;
  } catch (error) {
    // Missing, or cut short by a crash: nothing says that the part runs.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

export async function writeRecord(path: string, record: ProcessRecord): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export async function removeRecord(path: string): Promise<void> {
  await rm(path, { force: true });
}
