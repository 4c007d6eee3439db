import { access, constants, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import type { OcrLimits } from "../config.ts";
import { DocketError, type Failure } from "../contract/failures.ts";
import type { RecognizedPage } from "../contract/page.ts";
import type { MediaType } from "../media/media-type.ts";
import { planMemory } from "./child-memory.ts";
import type { ChildMessage } from "./child-protocol.ts";
import type { NativeTesseractSettings } from "./native-process.ts";
import { plainTrainedData } from "./plain-trained-data.ts";
import { resolutions } from "./raster-plan.ts";
import { type Ending, runRecognizer } from "./recognizer-process.ts";
import { trainedDataFiles } from "./trained-data.ts";

export interface RecognizeOptions {
  /** Path of a PDF, TIFF, JPEG or PNG; what it is follows from its first bytes. */
  file: string;
  /** What messages call the document. Default: the file's name. */
  name?: string;
  limits: OcrLimits;
  /** 1-based; an earlier run that ended in the middle goes on from here. Default: 1. */
  firstPage?: number;
  /** Whether the strokes of pages with a text layer are told, too. Default: no. */
  rules?: boolean;
  /** Only these pages (1-based), in this order; numbers that the document does not have are left out. */
  pages?: number[];
  onStart?(info: { pages: number; mediaType: MediaType }): void;
  /** The next page is read when this is settled. */
  onPage(page: RecognizedPage): void | Promise<void>;
  /** Something still moves: at least at the start of every page, and about every half second within one. */
  onHeartbeat?(info: { page: number }): void;
  /** Ends the recognition at once. */
  signal?: AbortSignal;
}

export interface RecognizeResult {
  /** Pages that the document has. */
  pages: number;
  /** Pages that could not be read; all others that were asked for were given to `onPage`. */
  failures: { page: number; failure: Failure }[];
  /** The most memory that a child process held, bytes. */
  peakResidentBytes: number;
}

/** Children that may end without a page being at fault (before the document is open, or from outside), in all. */
const restartLimit = 3;

/**
 * Reads a document page by page in a child process under hard limits of memory and time. A page that ends the child is
 * tried once more, alone in a new one and at a lower resolution, and is then a failure of that page; the others are
 * kept.
 *
 * @throws {DocketError} `LocalLimitExceeded`, `FileUnreadable`, `UnsupportedMedia`, `Corrupt`, `Encrypted`, `XfaForm`;
 * `Cancelled`; `OutOfTime` when the document's time is up; `InvalidInput` for a language without data;
 * `RecognizerCrashed`, `OutOfMemory` or `OutOfTime` when the document cannot even be opened. What `onPage` throws is
 * thrown on.
 */
export async function recognizeDocument(options: RecognizeOptions): Promise<RecognizeResult> {
  const { file, limits, name = basename(file) } = options;
  await refuseLargeFile(file, name, limits);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), limits.documentMilliseconds);
  const signal = options.signal === undefined ? deadline.signal : AbortSignal.any([options.signal, deadline.signal]);
  try {
    return await new Recognition({ ...options, name, signal }).run();
  } catch (error) {
    if (!deadline.signal.aborted || !(error instanceof DocketError) || error.type !== "Cancelled") throw error;
    const seconds = limits.documentMilliseconds / 1000;
    throw new DocketError("OutOfTime", `${name} was not read within ${seconds} s.`, {
      remedy: "Recognition ran out of time; use textract or raise DOCKET_OCR_DOCUMENT_SECONDS.",
    });
  } finally {
    clearTimeout(timer);
  }
}

async function refuseLargeFile(file: string, name: string, { maxBytes }: OcrLimits): Promise<void> {
  const { size } = await stat(file).catch((error: Error) => {
    throw new DocketError("FileUnreadable", `${name} cannot be opened: ${error.message}`, { cause: error });
  });
  if (size <= maxBytes) return;
  throw new DocketError("LocalLimitExceeded", `${name} has ${size} bytes; the local limit is ${maxBytes}.`);
}

/** @throws {DocketError} `InvalidInput` when the program cannot be run or a language has no data */
async function nativeTesseract(limits: OcrLimits): Promise<NativeTesseractSettings | undefined> {
  const { tesseract: program, language, trainedData, memoryBytes, pageMilliseconds } = limits;
  if (program === undefined) return undefined;
  await access(program, constants.X_OK).catch((cause: Error) => {
    throw new DocketError("InvalidInput", `${program} is no program that can be run.`, {
      cause,
      remedy: "Name the tesseract program in DOCKET_OCR_TESSERACT, or leave that out: Docket has one of its own.",
    });
  });
  const data = await plainTrainedData(trainedDataFiles(language, trainedData));
  const { nativeBytes: dataBytes } = planMemory(memoryBytes);
  return { program, data, pictures: tmpdir(), dataBytes, seconds: pageMilliseconds / 1000 };
}

/** One document, over as many children as it takes. */
class Recognition {
  readonly #options: RecognizeOptions & { name: string };
  #native: NativeTesseractSettings | undefined;
  readonly #result: RecognizeResult = { pages: 0, failures: [], peakResidentBytes: 0 };
  /** Pages still to be read; undefined before the document was opened. */
  #remaining: number[] | undefined;
  #attempt = 0;
  #restarts = 0;

  constructor(options: RecognizeOptions & { name: string }) {
    this.#options = options;
    this.#remaining = options.pages;
  }

  async run(): Promise<RecognizeResult> {
    this.#native = await nativeTesseract(this.#options.limits);
    for (;;) {
      const ending = await this.#runChild();
      this.#result.peakResidentBytes = Math.max(this.#result.peakResidentBytes, ending.peakResidentBytes);
      if (ending.done) return this.#result;
      this.#recover(ending);
      if (this.#remaining?.length === 0) return this.#result;
    }
  }

  #runChild(): Promise<Ending> {
    const { file, name, limits, firstPage = 1, rules = false, signal } = this.#options;
    const { maxPages, maxPixels, language, trainedData } = limits;
    const engine = { language, trainedData, native: this.#native };
    const job = { file, name, pages: this.#remaining, firstPage, rules, firstAttempt: this.#attempt };
    return runRecognizer({ ...job, ...engine, maxPages, maxPixels }, limits, {
      onMessage: (message) => this.#take(message),
      signal,
    });
  }

  async #take(message: ChildMessage): Promise<void> {
    switch (message.kind) {
      case "opened":
        this.#opened(message.pages, message.mediaType);
        break;
      case "started":
      case "progress":
        this.#options.onHeartbeat?.({ page: message.page });
        break;
      case "page":
        await this.#options.onPage(message.page);
        this.#settle(message.page.number);
        break;
      case "page-failed":
        this.#result.failures.push({ page: message.page, failure: message.failure });
        this.#settle(message.page);
    }
  }

  #opened(pages: number, mediaType: MediaType): void {
    const first = this.#result.pages === 0;
    this.#result.pages = pages;
    const wanted =
      this.#remaining ?? Array.from({ length: pages }, (_, i) => i + 1).slice((this.#options.firstPage ?? 1) - 1);
    this.#remaining = wanted.filter((page) => page <= pages);
    if (first) this.#options.onStart?.({ pages, mediaType });
  }

  #settle(page: number): void {
    this.#remaining = this.#remaining?.filter((other) => other !== page);
    this.#attempt = 0;
  }

  /** Decides how to go on after a child that ended before its work was done. */
  #recover({ at, failure, fromOutside }: Extract<Ending, { done: false }>): void {
    if (at === undefined || (fromOutside && this.#restarts < restartLimit)) {
      this.#restarts += 1;
      if (this.#restarts > restartLimit || (at === undefined && this.#result.pages === 0)) throw failure;
      return;
    }
    if (this.#attempt === 0 && at.attempt === 0) {
      // Time is saved by going to the lowest resolution at once.
      this.#attempt = failure.type === "OutOfTime" ? resolutions.length - 1 : 1;
      return;
    }
    this.#result.failures.push({ page: at.page, failure: failure.toFailure() });
    this.#settle(at.page);
  }
}
