import { Worker } from "node:worker_threads";
import { DocketError } from "../contract/failures.ts";
import {
  answered,
  type ExtractQuestion,
  type MeasureQuestion,
  type PdfQuestion,
  type PdfWorkerData,
  type PdfWorkerMessage,
  rangeBytes,
} from "./pdf-worker-protocol.ts";
import type { MeteredSource } from "./range-reader.ts";

const memoryBytes = 64 * 1024 * 1024;
const idleMilliseconds = 5000;

/** What a worker answers in the end. */
type PdfAnswer = Extract<PdfWorkerMessage, { kind: "facts" | "encrypted" | "extracted" }>;

/** Takes a piece of the document that the thread writes. */
type Write = (bytes: Uint8Array) => Promise<void>;

/**
 * A thread with pdfium in it. Threads that answered are kept for the next question for a few seconds: starting one takes
 * 85 ms of CPU, asking it 10. One that failed or was interrupted is ended.
 */
export class PdfWorker {
  static readonly #idle: PdfWorker[] = [];

  readonly #thread: Worker;
  readonly #control: Int32Array;
  readonly #range: Uint8Array;
  #retire: NodeJS.Timeout | undefined;

  private constructor(memory: number) {
    const data: PdfWorkerData = {
      control: new SharedArrayBuffer(4),
      range: new SharedArrayBuffer(rangeBytes),
      memoryBytes: memory,
    };
    this.#control = new Int32Array(data.control);
    this.#range = new Uint8Array(data.range);
    // execArgv: what the main thread was started with (loaders, inspectors) is not for this one.
    this.#thread = new Worker(new URL("./pdf-worker-thread.js", import.meta.url), {
      workerData: data,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 4 },
    });
  }

  /**
   * Asks a free thread, or a new one, about a document.
   * @param signal ends the thread and rejects with its reason
   * @throws {DocketError} `Corrupt`, `OutOfMemory`; `Internal` when the reader cannot start; what the source throws is
   * thrown on
   */
  static async ask(
    question: MeasureQuestion,
    source: MeteredSource,
    signal: AbortSignal,
  ): Promise<Extract<PdfAnswer, { kind: "facts" | "encrypted" }>> {
    const worker = PdfWorker.#idle.pop() ?? new PdfWorker(memoryBytes);
    clearTimeout(worker.#retire);
    worker.#thread.ref();
    try {
      const answer = await worker.#converse(question, source, signal);
      if (answer.kind === "extracted") throw new Error("a question about facts was answered by a document");
      worker.#park();
      return answer;
    } catch (error) {
      await worker.#thread.terminate();
      throw error;
    }
  }

  /**
   * Has a small document made of some pages, by a thread of its own that ends afterwards.
   * @param options.memoryBytes WebAssembly memory that the thread may use
   * @throws {DocketError} `Corrupt`, `OutOfMemory`; what the source and `write` throw is thrown on as it is
   */
  static async extract(
    question: ExtractQuestion,
    source: MeteredSource,
    options: { signal: AbortSignal; write: Write; memoryBytes: number },
  ): Promise<void> {
    const worker = new PdfWorker(options.memoryBytes);
    try {
      const { kind } = await worker.#converse(question, source, options.signal, options.write);
      if (kind !== "extracted") throw new DocketError("Corrupt", `${question.name} is protected by a password.`);
    } finally {
      await worker.#thread.terminate();
    }
  }

  /** Waits for the next question without keeping the process alive. */
  #park(): void {
    this.#thread.removeAllListeners();
    this.#thread.unref();
    const leave = () => {
      const at = PdfWorker.#idle.indexOf(this);
      if (at >= 0) PdfWorker.#idle.splice(at, 1);
    };
    // A thread that breaks while idle is gone; the next question starts another.
    this.#thread.on("error", leave);
    this.#thread.on("exit", leave);
    this.#retire = setTimeout(() => {
      leave();
      void this.#thread.terminate();
    }, idleMilliseconds).unref();
    PdfWorker.#idle.push(this);
  }

  /** Serves the thread's reads and writes until it says what it learnt. */
  #converse(question: PdfQuestion, source: MeteredSource, signal: AbortSignal, write?: Write): Promise<PdfAnswer> {
    const { name } = question;
    return new Promise((resolve, reject) => {
      const wake = () => {
        Atomics.store(this.#control, 0, answered);
        Atomics.notify(this.#control, 0);
      };
      const serve = async (offset: number, length: number) => {
        this.#range.set(await source.read(offset, length));
        wake();
      };
      // A copy: the thread writes the next piece into the same memory.
      const take = async (length: number) => {
        await write?.(this.#range.slice(0, length));
        wake();
      };
      let begun = false;
      // Before it asked for a byte of the document, the document cannot be the cause.
      const crashed = (why: string) =>
        reject(
          begun
            ? new DocketError("Corrupt", `${name} cannot be read as a PDF: its reader ended (${why}).`)
            : new DocketError("Internal", `${name} was not looked at: the PDF reader did not start (${why}).`),
        );
      this.#thread.removeAllListeners();
      this.#thread.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ERR_WORKER_OUT_OF_MEMORY") reject(outOfMemory(name));
        else crashed(String(error));
      });
      this.#thread.on("exit", (code) => crashed(`code ${code}`));
      this.#thread.on("message", (message: PdfWorkerMessage) => {
        begun = true;
        if (message.kind === "read") serve(message.offset, message.length).catch(reject);
        else if (message.kind === "write") take(message.length).catch(reject);
        else if (message.kind === "failed") reject(new DocketError(message.type, message.reason));
        else resolve(message);
      });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      signal.throwIfAborted();
      this.#thread.postMessage(question);
    });
  }
}

/** V8 has no more for the thread: by its own limit, or because the machine has none. */
function outOfMemory(name: string): DocketError {
  return new DocketError("OutOfMemory", `${name}: its reader has not the memory that its structure takes.`, {
    remedy:
      "Submit it again when the machine has memory to spare; if it fails again, save it anew in its own program, and " +
      "submit that.",
  });
}
