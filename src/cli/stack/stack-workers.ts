import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withLock } from "../../local/file-lock.ts";
import { readStackFile, removeStackFile, type StackFile, writeStackFile } from "./stack-file.ts";
import { WorkerProcesses } from "./worker-processes.ts";

export interface StackWorkersOptions {
  dataDirectory: string;
  /** Complete environment of the workers. */
  environment: NodeJS.ProcessEnv;
  logDirectory: string;
  say(line: string): void;
  /** How the stack is announced to other processes while this one runs the workers. */
  file: Omit<StackFile, "owner" | "startedAt">;
}

// Activities that are cut short are done again: a short grace makes Ctrl-C quick and loses nothing.
const defaultGraceSeconds = 3;

/**
 * The workers of a data folder's stack, run by one of the processes that use it. When that process leaves, another one
 * that still needs workers takes over.
 */
export class StackWorkers {
  /** Rejects when this process's workers can't go on. */
  readonly failed: Promise<never>;
  /** The other process that runs the workers; null when it is this one, or none yet. */
  otherOwner: number | null = null;
  readonly #options: StackWorkersOptions;
  readonly #graceSeconds: number;
  readonly #leaving = new AbortController();
  #processes: WorkerProcesses | null = null;
  #fail: (error: unknown) => void = () => {};

  constructor(options: StackWorkersOptions) {
    this.#options = options;
    this.#graceSeconds = Number(options.environment["DOCKET_SHUTDOWN_GRACE_SECONDS"] || defaultGraceSeconds);
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  /** Finds the stack's workers running or starts them; in words which. */
  async ensure(signal: AbortSignal): Promise<string> {
    const { dataDirectory } = this.#options;
    return withLock(
      join(dataDirectory, "workers.lock"),
      async () => {
        const running = await readStackFile(dataDirectory);
        if (running !== null && running.owner.pid !== process.pid) {
          this.otherOwner = running.owner.pid;
          this.#watchOwner().catch(this.#fail);
          return `those of docket ${running.command}, process ${running.owner.pid}`;
        }
        await this.#start(signal);
        return "documents and Textract in one process, recognition in another";
      },
      { signal },
    );
  }

  async stop(): Promise<void> {
    this.#leaving.abort();
    if (this.#processes === null) return;
    await removeStackFile(this.#options.dataDirectory);
    await this.#processes.stop(this.#graceSeconds * 1000 + 2000);
  }

  kill(): void {
    this.#leaving.abort();
    this.#processes?.kill();
  }

  async #start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.otherOwner = null;
    const { dataDirectory, environment, logDirectory, say, file } = this.#options;
    const processes = new WorkerProcesses({
      environment: { ...environment, DOCKET_SHUTDOWN_GRACE_SECONDS: String(this.#graceSeconds) },
      logDirectory,
      report: say,
    });
    this.#processes = processes;
    processes.failed.catch((error) => {
      if (!this.#leaving.signal.aborted) this.#fail(error);
    });
    await processes.start();
    if (this.#leaving.signal.aborted) return;
    await writeStackFile(dataDirectory, file);
  }

  /** Takes over when the process that runs the workers is gone. */
  async #watchOwner(): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      await sleep(1000, undefined, { ref: false });
      if (signal.aborted || (await readStackFile(this.#options.dataDirectory))?.owner.pid === this.otherOwner) continue;
      this.#options.say(`Process ${this.otherOwner} is gone; its workers are replaced.`);
      await this.ensure(signal);
      return;
    }
  }
}
