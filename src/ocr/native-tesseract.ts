import { collectGarbage } from "./free-engines.ts";
import { NativeProcess, type NativeTesseractSettings } from "./native-process.ts";
import type { Picture, Recognizer } from "./recognizer.ts";

const watchMilliseconds = 100;

/**
 * The user's own `tesseract`. One thread: several gain little and cost three times the processor. One process for many
 * pages, because a new one takes 0.1 s to start and to load its data; by standard input it would take a picture byte by
 * byte, which costs 0.2 s.
 */
export class NativeTesseract implements Recognizer {
  /** With a Node that keeps it, and the program at its most, a page stays within the limit of memory. */
  readonly spareBytes = 24 * 1024 * 1024;
  readonly #languages: string;
  readonly #settings: NativeTesseractSettings;
  #engine: NativeProcess | undefined;
  /** Time for which the process has read; its processor time is less. */
  #busyMilliseconds = 0;
  /** Elsewhere a file that was read to its end cannot be read again by the same name of its descriptor. */
  #streams = process.platform === "linux";
  #peak = 0;
  #resting = 0;

  constructor(languages: string, settings: NativeTesseractSettings) {
    this.#languages = languages;
    this.#settings = settings;
  }

  get peakResidentBytes(): number {
    return this.#peak;
  }

  get restingBytes(): number {
    return this.#resting;
  }

  async recognize(picture: Picture, onProgress: () => void): Promise<string> {
    const engine = await this.#engineFor(picture.dpi);
    engine.show(picture.file);
    picture.file = new Uint8Array(0);
    await collectGarbage();
    const start = performance.now();
    const watch = setInterval(() => {
      onProgress();
      this.#look(engine);
    }, watchMilliseconds);
    try {
      return await engine.read(!this.#streams);
    } finally {
      clearInterval(watch);
      this.#look(engine);
      this.#busyMilliseconds += performance.now() - start;
      this.#streams &&= engine.streams;
    }
  }

  async close(): Promise<void> {
    await this.#engine?.end();
  }

  /** The process that is there, unless the page needs another one: each page has all of its own time. */
  async #engineFor(dpi: number | undefined): Promise<NativeProcess> {
    const engine = this.#engine;
    const rested = this.#busyMilliseconds < 1000 * this.#settings.seconds;
    if (engine?.waits && engine.dpi === dpi && rested) return engine;
    await engine?.end();
    this.#busyMilliseconds = 0;
    this.#engine = new NativeProcess(this.#languages, this.#settings, dpi);
    return this.#engine;
  }

  #look(engine: NativeProcess): void {
    const { now, most } = engine.memory();
    this.#resting = now;
    this.#peak = Math.max(this.#peak, most);
  }
}
