import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DocketError } from "../../contract/failures.ts";
import { type TaskQueue, taskQueues } from "../../contract/process-document.ts";
import { lastLines, openLog } from "../../local/log-file.ts";
import { workerEnvironment, workerFlags } from "../../worker/worker-environment.ts";

/** A worker process of the local stack: its name in logs, and the queues that it serves. */
interface WorkerKind {
  name: string;
  queues: TaskQueue[];
}

// Recognition has a process of its own: what one hostile page can do ends there.
const workerKinds: WorkerKind[] = [
  { name: "documents", queues: [taskQueues.documents, taskQueues.textractSubmit, taskQueues.textractResults] },
  { name: "ocr", queues: [taskQueues.ocr] },
];

/** A worker that ends by itself this often within the window does not come back by another start. */
const restartLimit = { count: 5, windowMilliseconds: 120_000 };
const readyMilliseconds = 60_000;

const entry = fileURLToPath(new URL("../docket.js", import.meta.url));

export interface WorkerProcessOptions {
  /** Complete environment of the workers. */
  environment: NodeJS.ProcessEnv;
  logDirectory: string;
  report(message: string): void;
}

/**
 * Runs the worker processes of the local stack: starts them, starts one again that ended unexpectedly, and stops them.
 * They are led by an IPC channel, so that they also end when this process is killed.
 */
export class WorkerProcesses {
  /** Rejects when a worker keeps ending and is not started again. */
  readonly failed: Promise<never>;
  readonly #options: WorkerProcessOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #ends = new Map<string, number[]>();
  #giveUp: (error: Error) => void = () => {};
  #stopping = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.failed = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    this.failed.catch(() => {});
  }

  /** Process ids by worker name. */
  get processIds(): Record<string, number> {
    return Object.fromEntries(
      [...this.#children].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid]])),
    );
  }

  /**
   * Starts the workers and waits until each polls its queues.
   * @throws {DocketError} `Internal` with the end of the worker's log when one does not come up
   */
  async start(): Promise<void> {
    await Promise.race([Promise.all(workerKinds.map((kind) => this.#startUntilReady(kind))), this.failed]);
  }

  /** Asks all to end, waits for their grace time, and kills what is left: durable work loses nothing by it. */
  async stop(graceMilliseconds: number): Promise<void> {
    this.#stopping = true;
    // Whoever still waits for the start need not any more.
    this.#giveUp(new Error("the workers were stopped"));
    const ended = Promise.all([...this.#children.values()].map(endOf));
    for (const child of this.#children.values()) child.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), graceMilliseconds);
    await ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#stopping = true;
    for (const child of this.#children.values()) child.kill("SIGKILL");
  }

  async #startUntilReady(kind: WorkerKind): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((_, reject) => {
      timer = setTimeout(() => {
        this.#failure(kind, `was not ready after ${readyMilliseconds / 1000} s`).then(reject, reject);
      }, readyMilliseconds);
    });
    try {
      // One that ends before it is ready is started again as at any other time, and its successor is waited for.
      await Promise.race([new Promise<void>((ready) => this.#spawn(kind, ready)), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #spawn(kind: WorkerKind, ready: () => void): void {
    try {
      const log = openLog(this.#logFile(kind));
      const child = spawn(process.execPath, [...workerFlags, entry, "worker", "--queues", kind.queues.join(",")], {
        // A version is for workers that a deployment starts: nobody would make this one's the current.
        env: {
          ...workerEnvironment,
          ...this.#options.environment,
          DOCKET_HEALTH_PORT: healthPortOf(kind, this.#options.environment),
          TEMPORAL_DEPLOYMENT_NAME: "",
          TEMPORAL_WORKER_BUILD_ID: "",
        },
        stdio: ["ignore", log.descriptor, log.descriptor, "ipc"],
        // Ctrl-C in the terminal is for the leader, which stops the workers in order.
        detached: true,
      });
      log.close();
      this.#children.set(kind.name, child);
      child.once("message", ready);
      child.once("error", this.#giveUp);
      child.once("exit", (code, signal) => this.#onExit(kind, signal ?? `exit code ${code}`, ready));
    } catch (error) {
      this.#giveUp(error as Error);
    }
  }

  #onExit(kind: WorkerKind, how: string, ready: () => void): void {
    this.#children.delete(kind.name);
    if (this.#stopping) return;
    const now = Date.now();
    const ends = (this.#ends.get(kind.name) ?? []).filter((at) => now - at < restartLimit.windowMilliseconds);
    ends.push(now);
    this.#ends.set(kind.name, ends);
    if (ends.length >= restartLimit.count) {
      this.#failure(kind, `ended ${ends.length} times (${how})`).then(this.#giveUp, this.#giveUp);
      return;
    }
    this.#options.report(`worker ${kind.name} ended (${how}) and is started again; its log: ${this.#logFile(kind)}`);
    setTimeout(() => {
      if (!this.#stopping) this.#spawn(kind, ready);
    }, ends.length * 500);
  }

  async #failure(kind: WorkerKind, what: string): Promise<DocketError> {
    const last = (await lastLines(this.#logFile(kind), 0, 3)).join(" | ").slice(-1000);
    return new DocketError("Internal", `The worker ${kind.name} ${what}. Its last words: ${last || "none"}`, {
      remedy: `Look into ${this.#logFile(kind)}; run again to go on.`,
    });
  }

  #logFile(kind: WorkerKind): string {
    return join(this.#options.logDirectory, `worker-${kind.name}.log`);
  }
}

/** The configured port for the first worker, the next ones for the others: two cannot listen on the same. */
function healthPortOf(kind: WorkerKind, environment: NodeJS.ProcessEnv): string {
  const first = Number(environment["DOCKET_HEALTH_PORT"] || 0);
  if (first === 0) return "0";
  // After the last port comes 0, which is any free one.
  return String((first + workerKinds.indexOf(kind)) % 65_536);
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}
