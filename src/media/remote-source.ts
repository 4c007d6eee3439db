import { answered, asked, type PdfWorkerData, type PdfWorkerMessage, rangeBytes } from "./pdf-worker-protocol.ts";
import type { SyncByteSource } from "./pdfium.ts";
import { keepRecent } from "./range-reader.ts";

const cachedBytes = 2 * 1024 * 1024;

/**
 * A document as the worker thread sees it. pdfium wants its bytes at once and S3 gives them later: this asks the main
 * thread for a range and sleeps until it is there. Reads whole blocks and keeps the last 2 MiB of them; the longer the
 * document is read from front to back, the more at once (up to 1 MiB), as happens when a broken one is searched through.
 */
export class RemoteSource implements SyncByteSource {
  readonly size: number;
  bytesAsked = 0;
  readonly #word: Int32Array;
  readonly #answer: Uint8Array;
  readonly #ask: (message: PdfWorkerMessage) => void;
  readonly #blockBytes: number;
  readonly #blocks = new Map<number, Uint8Array>();
  #expected = -1;
  #ahead = 1;

  /** @param blockBytes what one read asks for at least; less where single places of a large document are wanted */
  constructor(size: number, shared: PdfWorkerData, ask: (message: PdfWorkerMessage) => void, blockBytes: number) {
    this.#blockBytes = blockBytes;
    this.size = size;
    this.#word = new Int32Array(shared.control);
    this.#answer = new Uint8Array(shared.range);
    this.#ask = ask;
  }

  read(offset: number, into: Uint8Array): void {
    const blockBytes = this.#blockBytes;
    for (let done = 0; done < into.length; ) {
      const index = Math.floor((offset + done) / blockBytes);
      const block = this.#blocks.get(index) ?? this.#fetch(index);
      keepRecent(this.#blocks, index, block, cachedBytes / blockBytes);
      const start = offset + done - index * blockBytes;
      const part = block.subarray(start, start + into.length - done);
      if (part.length === 0) throw new RangeError("read past the end");
      into.set(part, done);
      done += part.length;
    }
  }

  #fetch(index: number): Uint8Array {
    const blockBytes = this.#blockBytes;
    this.#ahead = index === this.#expected ? Math.min(this.#ahead * 2, rangeBytes / blockBytes) : 1;
    this.#expected = index + this.#ahead;
    const offset = index * blockBytes;
    const length = Math.min(this.#ahead * blockBytes, this.size - offset);
    this.bytesAsked += length;
    Atomics.store(this.#word, 0, asked);
    this.#ask({ kind: "read", offset, length });
    // Ends when the main thread answers; when it cannot, it ends this thread.
    while (Atomics.load(this.#word, 0) !== answered) Atomics.wait(this.#word, 0, asked);
    const first = this.#answer.slice(0, Math.min(blockBytes, length));
    for (let at = blockBytes; at < length; at += blockBytes) {
      const block = this.#answer.slice(at, Math.min(at + blockBytes, length));
      keepRecent(this.#blocks, index + at / blockBytes, block, cachedBytes / blockBytes);
    }
    return first;
  }
}
