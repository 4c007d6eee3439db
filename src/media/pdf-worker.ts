import { Worker } from "node:worker_threads";
import { DocketError } from "../contract/failures.ts";
import {
  answered,
  type PdfQuestion,
  type PdfWorkerData,
  type PdfWorkerMessage,
  rangeBytes,
} from "./pdf-worker-protocol.ts";
import type { MeteredSource } from "./range-reader.ts";

const memoryBytes = 64 * 1024 * 1024;
const idleMilliseconds = 5000;

/** What a worker answers in the end. */
export type PdfAnswer = Extract<PdfWorkerMessage, { kind: "facts" | "encrypted" }>;

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

  private constructor() {
    const data: PdfWorkerData = {
      control: new SharedArrayBuffer(4),
      range: new SharedArrayBuffer(rangeBytes),
      memoryBytes,
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
   * @throws {DocketError} `Corrupt`; what the source throws is thrown on as it is
   */
  static async ask(question: PdfQuestion, source: MeteredSource, signal: AbortSignal): Promise<PdfAnswer> {
    const worker = PdfWorker.#idle.pop() ?? new PdfWorker();
    clearTimeout(worker.#retire);
    worker.#thread.ref();
    try {
      const answer = await worker.#converse(question, source, signal);
      worker.#park();
      return answer;
    } catch (error) {
      await worker.#thread.terminate();
      throw error;
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

  /** Serves the thread's reads until it says what it learnt. */
  #converse(question: PdfQuestion, source: MeteredSource, signal: AbortSignal): Promise<PdfAnswer> {
    const { name } = question;
    return new Promise((resolve, reject) => {
      const serve = async (offset: number, length: number) => {
        this.#range.set(await source.read(offset, length));
        Atomics.store(this.#control, 0, answered);
        Atomics.notify(this.#control, 0);
      };
      const crashed = (why: string) =>
        reject(new DocketError("Corrupt", `${name} cannot be read as a PDF: its reader ended (${why}).`));
      this.#thread.removeAllListeners();
      this.#thread.on("error", (error) => crashed(String(error)));
      this.#thread.on("exit", (code) => crashed(`code ${code}`));
      this.#thread.on("message", (message: PdfWorkerMessage) => {
        if (message.kind === "read") serve(message.offset, message.length).catch(reject);
        else if (message.kind === "failed") reject(new DocketError("Corrupt", message.reason));
        else resolve(message);
      });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      signal.throwIfAborted();
      this.#thread.postMessage(question);
    });
  }
}
