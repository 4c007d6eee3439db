import { access, rm } from "node:fs/promises";

/** Files of this process up to a number of bytes together; what was not used for longest is removed first. */
export class RecentFiles<T> {
  readonly #files = new Map<string, { path: string; bytes: number; value: T }>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Undefined, too, where the file was removed by somebody else, as systems tidy what was not used for days. */
  async get(key: string): Promise<T | undefined> {
    const file = this.#files.get(key);
    if (file === undefined) return undefined;
    const isThere = await access(file.path).then(
      () => true,
      () => false,
    );
    // It may have been removed here meanwhile.
    if (this.#files.get(key) !== file) return undefined;
    this.#files.delete(key);
    if (isThere) this.#files.set(key, file);
    else this.#bytes -= file.bytes;
    return isThere ? file.value : undefined;
  }

  get keys(): string[] {
    return [...this.#files.keys()];
  }

  /** Removes files by their keys. */
  async removeWhere(unwanted: (key: string) => boolean): Promise<void> {
    for (const [key, file] of [...this.#files]) {
      if (!unwanted(key)) continue;
      this.#files.delete(key);
      this.#bytes -= file.bytes;
      await rm(file.path, { force: true });
    }
  }

  /** Takes a file over, and removes others until all fit; the new one is kept in any case. */
  async add(key: string, path: string, bytes: number, value: T): Promise<void> {
    this.#bytes += bytes - (this.#files.get(key)?.bytes ?? 0);
    this.#files.set(key, { path, bytes, value });
    for (const [oldest, file] of this.#files) {
      if (this.#bytes <= this.#maxBytes || oldest === key) break;
      this.#files.delete(oldest);
      this.#bytes -= file.bytes;
      await rm(file.path, { force: true });
    }
  }
}
