import { answered, asked, type PdfWorkerData, type PdfWorkerMessage, rangeBytes } from "./pdf-worker-protocol.ts";

/**
 * Where the worker thread writes a document: pieces of up to 1 MiB go to the main thread through the shared memory, and
 * this thread sleeps until each is taken. So nobody holds more than one piece, however slow its taker is.
 */
export class RemoteSink {
  readonly #word: Int32Array;
  readonly #piece: Uint8Array;
  readonly #say: (message: PdfWorkerMessage) => void;
  #filled = 0;

  constructor(shared: PdfWorkerData, say: (message: PdfWorkerMessage) => void) {
    this.#word = new Int32Array(shared.control);
    this.#piece = new Uint8Array(rangeBytes);
    this.#shared = new Uint8Array(shared.range);
    this.#say = say;
  }

  // Reads of the source use the shared memory too, between two writes: a piece is gathered elsewhere.
  readonly #shared: Uint8Array;

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + rangeBytes - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === rangeBytes) this.flush();
    }
  }

  /** Hands over what is gathered. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#shared.set(this.#piece.subarray(0, this.#filled));
    Atomics.store(this.#word, 0, asked);
    this.#say({ kind: "write", length: this.#filled });
    this.#filled = 0;
    // Ends when the main thread has taken it; when it cannot, it ends this thread.
    while (Atomics.load(this.#word, 0) !== answered) Atomics.wait(this.#word, 0, asked);
  }
}
