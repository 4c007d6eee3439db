import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import { DocketError } from "../contract/failures.ts";
import { mostBytes, tooLargeAnswer } from "./answer-body.ts";
import type { AnswerMessage, AnswerQuestion } from "./answer-thread.ts";
import { type AnswerRead, type AnswerToRead, readAnswer } from "./read-answer.ts";

/** An answer of fewer bytes is read at once: V8 keeps what comes of more JSON until it looks through all of its memory. */
const smallBytes = 100 * 1024;

/**
 * What the thread may have of V8's memory, MiB. It uses some 20; 4 MiB of the worst JSON (`{},` again and again) take 118.
 * It must be more than any answer can take: V8 cannot leave its parser at the limit, and would end the whole process.
 */
const memory = { old: 160, young: 8 };

const idleMilliseconds = 10_000;

/**
 * Reads answers of Textract in a thread of its own with a limit to its memory: what comes of their JSON stays there, and
 * the process around it moves bytes only. It reads one answer at a time, whatever the number of documents, and ends when
 * there was none for ten seconds. A thread that failed is followed by another.
 */
export class AnswerReader {
  readonly #oneAtATime = pLimit(1);
  readonly #program: URL;
  #thread: Worker | undefined;
  /** In which one answer after another goes to the thread and back. */
  #memory = new ArrayBuffer(0);
  #retire: NodeJS.Timeout | undefined;

  /** @param program of the thread */
  constructor(program = new URL("./answer-thread.js", import.meta.url)) {
    this.#program = program;
  }

  /**
   * Reads an answer. The thread has a copy of `body`, which the caller goes on using.
   * @throws {DocketError} as {@link readAnswer}; `OutOfMemory` when it does not fit the thread's memory
   */
  async read(question: AnswerToRead): Promise<AnswerRead> {
    if (question.body.byteLength < smallBytes) return readAnswer(question);
    return this.#oneAtATime(() => this.#ask(question));
  }

  async #ask(question: AnswerToRead): Promise<AnswerRead> {
    const thread = this.#thread ?? this.#start();
    clearTimeout(this.#retire);
    thread.ref();
    try {
      return await this.#converse(thread, question);
    } finally {
      this.#park(thread);
    }
  }

  #start(): Worker {
    // execArgv: what the main thread was started with (loaders, inspectors) is not for this one.
    this.#thread = new Worker(this.#program, {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: memory.old, maxYoungGenerationSizeMb: memory.young },
    });
    return this.#thread;
  }

  #converse(thread: Worker, question: AnswerToRead): Promise<AnswerRead> {
    const { name } = question;
    return new Promise((resolve, reject) => {
      const ended = (failure: DocketError) => {
        this.#thread = undefined;
        reject(failure);
      };
      thread.removeAllListeners();
      thread.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ERR_WORKER_OUT_OF_MEMORY") ended(tooLargeAnswer(name, `${memory.old} MiB of memory`));
        else ended(new DocketError("Internal", `${name}: its reader ended (${error.message}).`, { cause: error }));
      });
      thread.on("exit", (code) => ended(new DocketError("Internal", `${name}: its reader ended (code ${code}).`)));
      thread.on("message", (message: AnswerMessage) => {
        this.#memory = message.memory;
        if (message.kind === "read") resolve(message.answer);
        else reject(new DocketError(message.type, message.reason));
      });
      const body = this.#copy(question.body);
      thread.postMessage({ ...question, body } satisfies AnswerQuestion, [body.buffer]);
    });
  }

  #copy(body: Uint8Array): Uint8Array<ArrayBuffer> {
    // Only what is written to becomes real memory. It is gone with a thread that died.
    if (this.#memory.byteLength < body.byteLength) this.#memory = new ArrayBuffer(Math.max(body.byteLength, mostBytes));
    const copy = new Uint8Array(this.#memory, 0, body.byteLength);
    copy.set(body);
    return copy;
  }

  /** Waits for the next answer without keeping the process alive. */
  #park(thread: Worker): void {
    const leave = () => {
      if (this.#thread === thread) this.#thread = undefined;
    };
    thread.removeAllListeners();
    thread.on("error", leave);
    thread.on("exit", leave);
    thread.unref();
    this.#retire = setTimeout(() => {
      leave();
      this.#memory = new ArrayBuffer(0);
      void thread.terminate();
    }, idleMilliseconds).unref();
  }
}
