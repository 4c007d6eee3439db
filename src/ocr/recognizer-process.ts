import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { OcrLimits } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import { boundedNode, childEnvironment, planMemory, residentBytes } from "./child-memory.ts";
import type { ChildMessage, RecognizerJob } from "./child-protocol.ts";

const childScript = fileURLToPath(new URL("./recognize-child.js", import.meta.url));
const watchMilliseconds = 100;
/** For starting the child and finding the pages, at least: a page's own limit may be short. */
const openMilliseconds = 60_000;
const keptErrorBytes = 8192;

/** What the caller does with what the child says. */
export interface RecognizerHandlers {
  /** The child reads on when this is settled. A rejection ends the child and is thrown on. */
  onMessage(message: ChildMessage): void | Promise<void>;
  signal: AbortSignal | undefined;
}

/** How a child ended: by itself, or before it was done. */
export type Ending =
  | { done: true; peakResidentBytes: number }
  | {
      done: false;
      failure: DocketError;
      /** The page that it was reading, and at which attempt; undefined: none. */
      at: { page: number; attempt: number } | undefined;
      /** Whether someone else ended it (SIGKILL): no fault of the page. */
      fromOutside: boolean;
      peakResidentBytes: number;
    };

/**
 * Runs one child process until it ends, and tells how it ended.
 * @throws {DocketError} what the child says of the document as a whole, `Cancelled`; and what `onMessage` throws
 */
export async function runRecognizer(
  job: Omit<RecognizerJob, "engineBytes">,
  limits: OcrLimits,
  { onMessage, signal }: RecognizerHandlers,
): Promise<Ending> {
  const plan = planMemory(limits.memoryBytes);
  const { command, arguments: parameters } = await boundedNode(childScript, plan, limits.documentMilliseconds);
  const child = spawn(command, parameters, {
    env: childEnvironment,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    detached: true,
  });
  const run = new Run(child, job.name, limits, onMessage);
  const cancel = () =>
    run.kill(new DocketError("Cancelled", `${job.name}: recognition was cancelled.`, { cause: signal?.reason }));
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    // A child that is gone already is told of by its exit, one that never was (then it has no channel) by its error.
    child.send?.({ kind: "job", job: { ...job, engineBytes: plan.engineBytes } }, () => {});
    return await run.ended;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** One child process while it lives. */
class Run {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #limits: OcrLimits;
  readonly #onMessage: RecognizerHandlers["onMessage"];
  readonly #watch: NodeJS.Timeout;
  #clock: NodeJS.Timeout | undefined;
  #standardError = "";
  #at: { page: number; attempt: number } | undefined;
  #done = false;
  #peak = 0;
  /** What the last look saw, bytes. */
  #seen = 0;
  /** The last message's work; never rejected. */
  #taking: Promise<void> = Promise.resolve();
  /** Why this side ended the child. */
  #killedFor: DocketError | undefined;
  /** What ends the whole recognition. */
  #fatal: { error: unknown } | undefined;

  constructor(child: ChildProcess, name: string, limits: OcrLimits, onMessage: RecognizerHandlers["onMessage"]) {
    this.#child = child;
    this.#name = name;
    this.#limits = limits;
    this.#onMessage = onMessage;
    this.#watch = setInterval(() => void this.#look(), watchMilliseconds);
    this.#startClock();
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#standardError = (this.#standardError + text).slice(-keptErrorBytes);
    });
    child.on("message", (message: ChildMessage) => {
      this.#taking = this.#take(message);
    });
    // The program that it ran, should someone else have ended the child alone. The group is empty otherwise.
    child.on("exit", () => this.#endGroup());
    this.ended = new Promise((resolve, reject) => {
      child.on("error", (error) => {
        this.#stop();
        reject(new DocketError("Internal", `The recogniser cannot be started: ${error.message}`, { cause: error }));
      });
      // "close" comes after the last message and the last of standard error.
      child.on("close", (code, signal) => {
        this.#stop();
        if (this.#killedFor?.type === "Cancelled") {
          reject(this.#killedFor);
          return;
        }
        // A page that the caller has in hand is still taken, so that the next child does not read it again.
        void this.#taking.then(() => {
          if (this.#fatal !== undefined) reject(this.#fatal.error);
          else resolve(this.#ending(code, signal));
        });
      });
    });
    // It may come before anybody waits for it.
    this.ended.catch(() => {});
  }

  /** Ends the child at once; it has nothing to save. */
  kill(reason: DocketError): void {
    this.#killedFor ??= reason;
    this.#end();
  }

  async #take(message: ChildMessage): Promise<void> {
    if (this.#killedFor !== undefined || this.#fatal !== undefined) return;
    switch (message.kind) {
      case "failed":
        this.#fail(new DocketError(message.failure.type, message.failure.message, { remedy: message.failure.remedy }));
        return;
      case "done":
        this.#done = true;
        return;
      case "started":
        this.#at = message;
        this.#startClock();
        break;
      case "page":
      case "page-failed":
        this.#at = undefined;
        this.#peak = Math.max(this.#peak, message.peakResidentBytes);
        clearTimeout(this.#clock);
    }
    try {
      await this.#onMessage(message);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (message.kind !== "page" && message.kind !== "page-failed") return;
    // A child that was ended meanwhile is told of by its exit.
    if (this.#child.connected) this.#child.send({ kind: "taken" }, () => {});
    this.#startClock();
  }

  #fail(error: unknown): void {
    this.#fatal ??= { error };
    this.#end();
  }

  /** The child leads a process group, so that a program that it runs ends with it. */
  #end(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#endGroup();
  }

  #endGroup(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // Gone meanwhile.
    }
  }

  /** Time for one page at one attempt, or for opening the document; the caller's time with a page does not count. */
  #startClock(): void {
    clearTimeout(this.#clock);
    const { pageMilliseconds } = this.#limits;
    const at = this.#at;
    const milliseconds = at === undefined ? Math.max(pageMilliseconds, openMilliseconds) : pageMilliseconds;
    this.#clock = setTimeout(() => {
      const what = at === undefined ? "the document was not opened" : `page ${at.page} was not read`;
      this.kill(new DocketError("OutOfTime", `${this.#name}: ${what} within ${milliseconds / 1000} s.`));
    }, milliseconds);
  }

  /** The kernel's limits hold on Linux; this is for where they do not, and for what they do not count. */
  async #look(): Promise<void> {
    const { pid } = this.#child;
    const resident = pid === undefined ? undefined : await residentBytes(pid);
    if (resident === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // A program that is just being started counts, for a moment, as a copy of the child: of it only what is seen twice is held.
    const held = Math.max(resident.own, Math.min(this.#seen, resident.total));
    this.#seen = resident.total;
    this.#peak = Math.max(this.#peak, held);
    if (held <= this.#limits.memoryBytes) return;
    this.kill(this.#outOfMemory(`it held ${toMebibytes(held)} MiB of memory`));
  }

  #stop(): void {
    clearInterval(this.#watch);
    clearTimeout(this.#clock);
  }

  #ending(code: number | null, signal: NodeJS.Signals | null): Ending {
    const peakResidentBytes = this.#peak;
    if (this.#done) return { done: true, peakResidentBytes };
    const failure = this.#killedFor ?? this.#crash(code, signal);
    const fromOutside = this.#killedFor === undefined && signal === "SIGKILL";
    return { done: false, failure, at: this.#at, fromOutside, peakResidentBytes };
  }

  #crash(code: number | null, signal: NodeJS.Signals | null): DocketError {
    if (memoryWords.test(this.#standardError)) return this.#outOfMemory("it was refused memory");
    const how = signal === null ? `exit code ${code}` : signal;
    const [, said] = /^.*?(\S*Error: .+)$/m.exec(this.#standardError) ?? [];
    const why = said === undefined ? how : `${how}, ${said}`;
    return new DocketError("RecognizerCrashed", `${this.#name}: the recogniser ended while ${this.#doing} (${why}).`);
  }

  #outOfMemory(why: string): DocketError {
    const limit = `${toMebibytes(this.#limits.memoryBytes)} MiB are allowed`;
    return new DocketError(
      "OutOfMemory",
      `${this.#name}: the recogniser ended while ${this.#doing}: ${why}; ${limit}.`,
    );
  }

  get #doing(): string {
    return this.#at === undefined ? "no page was being read" : `page ${this.#at.page} was being read`;
  }
}

/** What V8, Node and the C++ library write before they end a process without memory. */
const memoryWords = /out of memory|bad_alloc|allocation failed|heap limit/i;

function toMebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
