import { DocketError } from "../contract/failures.ts";

/** A document's bytes, wherever they are: in a file, in an S3 object. */
export interface DocumentSource {
  /** Bytes. */
  size: number;
  /** Bytes `offset` to `offset + length - 1`. May throw whatever its owner understands. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source that counts what is read of it, and how long that takes, and refuses more than a budget. */
export class MeteredSource {
  readonly size: number;
  /** What messages call the document. */
  readonly name: string;
  bytes = 0;
  requests = 0;
  readonly #source: DocumentSource;
  readonly #budgetBytes: number;
  readonly #signal: AbortSignal | undefined;
  #waited = 0;
  #waitingSince: number | undefined;

  /** @param signal after which nothing more is asked of the source */
  constructor(source: DocumentSource, name: string, budgetBytes: number, signal?: AbortSignal) {
    this.size = source.size;
    this.name = name;
    this.#source = source;
    this.#budgetBytes = budgetBytes;
    this.#signal = signal;
  }

  /** Milliseconds spent waiting for the source, the read under way included. */
  get waitedMilliseconds(): number {
    return this.#waited + (this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince);
  }

  /**
   * @throws {DocketError} `Corrupt` when the budget is used up; `StorageUnavailable` when the source gives fewer bytes
   * than it has. What the source throws is thrown on as it is.
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#signal?.throwIfAborted();
    if (this.bytes + length > this.#budgetBytes) {
      const read = `${(this.bytes / 1_000_000).toFixed(0)} MB of it were read`;
      throw new DocketError("Corrupt", `${this.name}: ${read} and its structure is still not clear: it is damaged.`);
    }
    this.#waitingSince = performance.now();
    try {
      const bytes = await this.#source.read(offset, length);
      if (bytes.length !== length) {
        const got = `${bytes.length} of ${length} bytes at ${offset}`;
        throw new DocketError("StorageUnavailable", `${this.name} could not be read: its storage gave ${got}.`);
      }
      return bytes;
    } finally {
      this.bytes += length;
      this.requests += 1;
      this.#waited = this.waitedMilliseconds;
      this.#waitingSince = undefined;
    }
  }
}

/** Reads single places of a source through a small cache of aligned blocks, so that near places cost one request. */
export class RangeReader {
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #source: MeteredSource;
  readonly #blockBytes: number;
  readonly #cachedBlocks: number;

  constructor(source: MeteredSource, blockBytes: number, cachedBlocks: number) {
    this.#source = source;
    this.#blockBytes = blockBytes;
    this.#cachedBlocks = cachedBlocks;
  }

  get size(): number {
    return this.#source.size;
  }

  get name(): string {
    return this.#source.name;
  }

  /** @throws {DocketError} `Corrupt` when the range reaches over the document's end; else as {@link MeteredSource} */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset + length > this.size) {
      throw new DocketError("Corrupt", `${this.name} has ${this.size} bytes but refers to byte ${offset + length}.`);
    }
    const joined = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / this.#blockBytes);
      const block = await this.#block(index);
      const start = offset + done - index * this.#blockBytes;
      const part = block.subarray(start, start + length - done);
      joined.set(part, done);
      done += part.length;
    }
    return joined;
  }

  async #block(index: number): Promise<Uint8Array> {
    let block = this.#blocks.get(index);
    if (block === undefined) {
      const offset = index * this.#blockBytes;
      block = await this.#source.read(offset, Math.min(this.#blockBytes, this.size - offset));
    }
    keepRecent(this.#blocks, index, block, this.#cachedBlocks);
    return block;
  }
}

/** Puts an entry at the young end of a map, whose order is that of insertion, and lets the oldest one go. */
export function keepRecent<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}
