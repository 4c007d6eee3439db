import { setTimeout as sleep } from "node:timers/promises";
import { DocketError } from "../contract/failures.ts";
import { boundLog, lastLines } from "./log-file.ts";
import { endProcess, ensureRunning, type PartDefinition, type RunningPart, withPart } from "./part.ts";
import type { Ports } from "./part-process.ts";
import { addUser, hasUsers } from "./part-users.ts";
import type { StartOptions } from "./report.ts";
import { isWithoutRoom } from "./textract/disk-room.ts";

/** A part that ended by itself this often within the window, starts that failed included, is not started again. */
const restartLimit = { count: 5, windowMilliseconds: 600_000 };
/** After a start that failed. */
const restartPauseMilliseconds = 2000;
const logCheckMilliseconds = 30_000;

let uses = 0;

/**
 * A server that all Docket processes of one data folder share. The first one starts it, the last one that leaves stops
 * it, and one that was left behind by a killed process is found and used again. While used it is watched: when it ends
 * by itself, it is started again on the same ports.
 */
export class SharedPart {
  readonly title: string;
  /** Rejects when the part keeps ending and is given up. */
  readonly failed: Promise<never>;
  /** True when it was found running. */
  readonly reused: boolean;
  readonly #definition: PartDefinition;
  readonly #options: StartOptions;
  readonly #leave: () => Promise<void>;
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;
  #running: RunningPart;
  /** When it ended by itself, and when a start of it failed since; milliseconds. */
  #ends: number[] = [];
  #giveUp: (error: unknown) => void = () => {};

  private constructor(
    definition: PartDefinition,
    options: StartOptions,
    running: RunningPart,
    leave: () => Promise<void>,
  ) {
    this.title = definition.title;
    this.reused = running.reused;
    this.#definition = definition;
    this.#options = { ...options, signal: this.#stopping.signal };
    this.#running = running;
    this.#leave = leave;
    this.failed = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    this.failed.catch(() => {});
    this.#watching = this.#watch();
  }

  /**
   * Finds the part running or starts it, and waits until it serves.
   * @throws {DocketError} of the part's failure type
   */
  static async open(definition: PartDefinition, options: StartOptions): Promise<SharedPart> {
    const started = Date.now();
    const { title } = definition;
    options.report?.({ step: title, state: "start" });
    const part = await withPart(
      definition,
      async () => {
        const running = await ensureRunning(definition, options);
        const leave = await addUser(definition, `${process.pid}-${++uses}`);
        return new SharedPart(definition, options, running, leave);
      },
      options,
    );
    const milliseconds = Date.now() - started;
    const detail = `process ${part.pid}, port ${Object.values(part.ports).join(" and ")}`;
    options.report?.({ step: title, detail, state: part.reused ? "reused" : "done", milliseconds });
    return part;
  }

  get pid(): number {
    return this.#running.process.record.pid;
  }

  get ports(): Ports {
    return this.#running.process.record.ports;
  }

  /** Gives the part up; the last process that does stops it. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#watching;
    const leave = async () => {
      await this.#leave();
      if (!(await hasUsers(this.#definition))) await endProcess(this.#definition, this.#running.process);
    };
    await withPart(this.#definition, leave, { ...this.#options, signal: undefined }).catch((error) => {
      // A full disk has no room for the lock, nor for another process that would begin to use the part.
      if (!isWithoutRoom(error)) throw error;
      return leave();
    });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const ended = await this.#running.process.ended(logCheckMilliseconds, signal);
      if (signal.aborted) return;
      // On a full disk there is nothing to be done about a log that grows.
      await boundLog(this.#definition.logPath).catch(() => {});
      if (!ended) continue;
      try {
        await this.#startAgain();
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error instanceof Error ? error.message : String(error));
        this.#giveUp(error);
        return;
      }
    }
  }

  async #startAgain(): Promise<void> {
    const { process: ended } = this.#running;
    const lines = await lastLines(this.#definition.logPath, ended.record.logStart, 4);
    this.#report(`${ended.ending} unexpectedly, is started again; its last words: ${lines.join(" | ") || "none"}`);
    const now = Date.now();
    this.#ends = [...this.#ends.filter((end) => now - end < restartLimit.windowMilliseconds), now];
    if (this.#ends.length > restartLimit.count) {
      const { type, remedy } = this.#definition.failure;
      throw new DocketError(type, `${this.title} ended ${this.#ends.length} times and is not started again.`, {
        remedy: `Look into ${this.#definition.logPath}. ${remedy}`,
      });
    }
    this.#running = await this.#restart();
    this.#report(`runs again as process ${this.pid}`);
  }

  /** One start that fails is not the end: the machine may be busy, or what the part left behind not gone yet. */
  async #restart(): Promise<RunningPart> {
    for (;;) {
      try {
        // Another process that shares it may be first: then this one finds it running.
        return await withPart(
          this.#definition,
          () => ensureRunning(this.#definition, { ...this.#options, keepPorts: true }),
          this.#options,
        );
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        // Whenever the others were: starts that take minutes each would never be too many within the window.
        this.#ends.push(Date.now());
        if (this.#ends.length > restartLimit.count) throw error;
        this.#report(`is started once more: ${error instanceof Error ? error.message : error}`);
        await sleep(restartPauseMilliseconds, undefined, { signal: this.#stopping.signal, ref: false });
      }
    }
  }

  #report(detail: string): void {
    this.#options.report?.({ step: this.title, detail, state: "progress" });
  }
}
