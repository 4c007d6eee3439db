import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLog } from "#docket/local/log-file";
import { workerFlags } from "#docket/worker/worker-environment";

const entry = fileURLToPath(new URL("../cli/docket.js", import.meta.url));
const documents = "documents,textract-submit,textract-results";
/** A worker process of the fleet. */
export interface Member {
  name: string;
  /** Task queues, joined by commas. */
  queues: string;
}

const chaosMembers: Member[] = [
  { name: "worker-documents-1", queues: documents },
  { name: "worker-documents-2", queues: documents },
  { name: "worker-ocr", queues: "ocr" },
];
const restartMilliseconds = 300;

/** The worker processes of the run: one that ends is started again, as a supervisor would. */
export class WorkerFleet {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logDirectory: string;
  readonly #members: readonly Member[];
  readonly #children = new Map<string, ChildProcess>();
  #stopping = false;
  /** Ends that nobody here caused, in words. */
  readonly surprises: string[] = [];

  constructor(environment: NodeJS.ProcessEnv, logDirectory: string, members: readonly Member[] = chaosMembers) {
    this.#environment = environment;
    this.#logDirectory = logDirectory;
    this.#members = members;
  }

  /** Starts all and waits until each polls its queues. */
  async start(): Promise<void> {
    await Promise.all(this.#members.map(({ name, queues }) => this.#spawn(name, queues)));
  }

  /** Process ids by name. */
  get processIds(): Map<string, number> {
    return new Map([...this.#children].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid]])));
  }

  /** Ends a worker with SIGKILL; false when it does not run at this moment. */
  kill(index: number): boolean {
    const child = this.#children.get(this.#members[index]?.name ?? "");
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    return child.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#children.values()].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const end = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await end;
      clearTimeout(late);
    });
    await Promise.all(ended);
  }

  async #spawn(name: string, queues: string): Promise<void> {
    const log = openLog(join(this.#logDirectory, `${name}.log`));
    const child = spawn(process.execPath, [...workerFlags, entry, "worker", "--queues", queues], {
      env: this.#environment,
      // The channel ends the worker with this process, however that ends.
      stdio: ["ignore", log.descriptor, log.descriptor, "ipc"],
      // Ctrl-C in a terminal is for this process, which stops the workers in order.
      detached: true,
    });
    log.close();
    this.#children.set(name, child);
    let polls = false;
    const ready = new Promise<void>((resolve) => {
      child.once("message", () => {
        polls = true;
        resolve();
      });
      child.once("exit", (code, signal) => {
        if (this.#stopping) return resolve();
        // One that finds no Temporal server when it starts ends and is started again, as under any supervisor.
        if (polls && signal !== "SIGKILL")
          this.surprises.push(`${name} ended by itself (${signal ?? `exit code ${code}`})`);
        setTimeout(() => {
          if (!this.#stopping) this.#spawn(name, queues).then(resolve, resolve);
        }, restartMilliseconds);
      });
    });
    await ready;
  }
}
