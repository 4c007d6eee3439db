import { type ChildProcessByStdio, spawn } from "node:child_process";
import { closeSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { DocketError } from "../contract/failures.ts";
import { statusBytes } from "./child-memory.ts";
import { namelessFile, writeNamelessFile } from "./nameless-file.ts";
import { createPictureFile } from "./picture-file.ts";

/** How the user's own program is run. */
export interface NativeTesseractSettings {
  /** Path of the program. */
  program: string;
  /** Folder with the uncompressed data of all languages. */
  data: string;
  /** Folder for the picture of the page that is read: a file without a name, of one byte a pixel. */
  pictures: string;
  /** Private writable memory that the kernel grants the program, bytes. */
  dataBytes: number;
  /** Processor seconds that one page may take: the program's own end should its parent be killed. */
  seconds: number;
}

/** Where the program finds the files that it was started with: a page's picture, and the mark that follows each page. */
const [picturePath, markPath] = ["/dev/fd/3", "/dev/fd/4"];
/** Pixels a side; white, so that nothing is looked for on it. */
const markSide = 32;
/** From the mark's turn to its row. Releases before 5 keep what they print until they end. */
const markMilliseconds = 3000;
/** A page's words, with room: the TSV of a page full of small print has half a megabyte. */
const outputLimit = 16 * 1024 * 1024;

const running = new Set<NativeProcess>();

/** Ends the programs of this process that are still there. */
export function endEngines(): void {
  for (const engine of running) engine.kill();
}

/**
 * The user's own `tesseract`, which loads its data once and then reads one picture after the other: their paths go in by
 * its standard input, words and complaints come out by its standard output, in their order. Pictures lie in a file that
 * has no name, which is gone with the processes. The row of the mark that it reads after each page tells that the page's
 * rows are complete.
 */
export class NativeProcess {
  /** Resolution that its pictures have. */
  readonly dpi: number | undefined;
  /** Whether the words of a page came while it was still there for another. */
  streams = true;
  readonly #program: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pictures: string;
  readonly #picture: number;
  readonly #ended: Promise<Ending>;
  #ending: Ending | undefined;
  readonly #decoder = new StringDecoder("utf8");
  /** What it has printed since the last page's mark. */
  #lines: string[] = [];
  /** The line that has not come whole yet. */
  #partial = "";
  #bytes = 0;
  /** Pages that it was given. */
  #pages = 0;
  #onOutput: () => void = () => {};

  /** @throws {DocketError} `StorageUnavailable`, `InvalidInput` when no picture can be written */
  constructor(languages: string, settings: NativeTesseractSettings, dpi: number | undefined) {
    const { program, data, pictures, dataBytes, seconds } = settings;
    this.dpi = dpi;
    this.#program = program;
    this.#pictures = pictures;
    const resolution = dpi === undefined ? [] : ["--dpi", String(dpi)];
    const variables = ["-c", "tessedit_create_tsv=1", "-c", "stream_filelist=true"];
    const options = ["--tessdata-dir", data, "-l", languages, "--oem", "1", "--psm", "3", ...resolution, ...variables];
    // It may have used up `seconds` when its last page begins; see `NativeTesseract`.
    const limits = `ulimit -d ${Math.floor(dataBytes / 1024)} 2>/dev/null; ulimit -t ${Math.ceil(2 * seconds)}`;
    const mark = createPictureFile({ width: markSide, height: markSide });
    mark.grey.fill(255);
    const markFile = namelessFile(pictures, mark.file);
    this.#picture = namelessFile(pictures, new Uint8Array(0));
    this.#child = spawn("/bin/sh", ["-c", `${limits}; exec "$0" "$@" 2>&1`, program, "stdin", "stdout", ...options], {
      // Large pieces of memory go back to the system when they are free, so that it holds little between two pages.
      env: { OMP_THREAD_LIMIT: "1", LC_ALL: "C", MALLOC_MMAP_THRESHOLD_: "131072" },
      stdio: ["pipe", "pipe", "ignore", this.#picture, markFile],
    }) as ChildProcessByStdio<Writable, Readable, null>;
    closeSync(markFile);
    running.add(this);
    // A program that ends before it has read is told of by its exit.
    this.#child.stdin.on("error", () => {});
    this.#child.stdout.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#ended = new Promise((resolve) => {
      const end = (ending: Ending) => {
        if (this.#ending !== undefined) return;
        this.#ending = ending;
        this.#lines.push(this.#partial);
        running.delete(this);
        closeSync(this.#picture);
        this.#onOutput();
        resolve(ending);
      };
      this.#child.on("error", (error) => end({ code: null, signal: null, error }));
      this.#child.on("close", (code, signal) => end({ code, signal, error: undefined }));
    });
  }

  /** Whether it can be given another page. */
  get waits(): boolean {
    return this.#ending === undefined && this.streams;
  }

  /**
   * Puts a picture where the program finds it.
   * @throws {DocketError} `StorageUnavailable` when the disk is full
   */
  show(picture: Uint8Array): void {
    if (this.#ending === undefined) writeNamelessFile(this.#picture, picture, this.#pictures);
  }

  /**
   * Has the picture read that was shown.
   * @param last whether it is to end then
   * @returns the page's rows of Tesseract's TSV
   * @throws {DocketError} `OutOfMemory`, `OutOfTime`, `RecognizerCrashed`, `InvalidInput`, `Internal`
   */
  async read(last: boolean): Promise<string> {
    this.#pages += 1;
    this.#child.stdin.write(`${picturePath}\n${markPath}\n`);
    if (last) this.#child.stdin.end();
    // What a program that ended early has printed before is its page's, too: it says why.
    const lines = this.#lines.splice(0, await this.#pageEnd());
    this.#bytes = 0;
    const complaints = lines.filter((line) => !/^\d+\t/.test(line)).join("\n");
    const number = String(2 * this.#pages - 1);
    const rows = lines.filter((line) => line.split("\t", 2)[1] === number);
    // A page without words has a row of its own all the same.
    const failed =
      (this.#ending !== undefined && this.#ending.code !== 0) || !rows.some((row) => row.startsWith("1\t"));
    // Leptonica goes on without what it had no memory for.
    if (failed || memoryWords.test(complaints)) throw failureOf(this.#program, this.#ending, complaints);
    return rows.join("\n");
  }

  /** Settled when the page's rows are complete, or there are no more to come: how many lines they are, with the mark's. */
  async #pageEnd(): Promise<number> {
    // Both are numbered: pages of the output from 1 on, those of the list from 0 on.
    const markRow = `1\t${2 * this.#pages}\t`;
    const markTurn = `Page ${2 * this.#pages - 1} : ${markPath}`;
    let impatience: NodeJS.Timeout | undefined;
    let seen = 0;
    const lines = await new Promise<number>((resolve) => {
      this.#onOutput = () => {
        if (this.#ending !== undefined) return resolve(this.#lines.length);
        for (; seen < this.#lines.length; seen++) {
          const line = this.#lines[seen] as string;
          if (line.startsWith(markRow)) return resolve(seen + 1);
          if (!line.includes(markTurn)) continue;
          impatience ??= setTimeout(() => {
            this.streams = false;
            this.#child.stdin.end();
          }, markMilliseconds);
        }
      };
      this.#onOutput();
    });
    clearTimeout(impatience);
    this.#onOutput = () => {};
    return lines;
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > outputLimit) {
      this.kill();
      return;
    }
    const lines = (this.#partial + this.#decoder.write(chunk)).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#lines.push(line);
    this.#onOutput();
  }

  /** Lets it end by itself, which it does when it waits. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** What it holds, and the most that it has held, bytes; 0 where the system does not tell. */
  memory(): { now: number; most: number } {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, "latin1");
      return { now: statusBytes(status, "VmRSS"), most: statusBytes(status, "VmHWM") };
    } catch {
      // It has ended, or this is no Linux.
      return { now: 0, most: 0 };
    }
  }
}

/** How the program ended; with an error: it never began. */
interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  error: Error | undefined;
}

const memoryWords = /out of memory|bad_alloc|insufficient memory|memory exhausted|alloc fail/i;

function failureOf(program: string, ending: Ending | undefined, said: string): DocketError {
  if (ending?.error !== undefined)
    return new DocketError("Internal", `${program} cannot be run: ${ending.error.message}`);
  if (memoryWords.test(said)) return new DocketError("OutOfMemory", `${program} was refused memory.`);
  const { code, signal } = ending ?? {};
  if (signal === "SIGXCPU") return new DocketError("OutOfTime", `${program} used up its time for a page.`);
  const why = said.split("\n").find((line) => /error|fail|not found|denied/i.test(line)) ?? "";
  const how = signal ?? `exit code ${code}`;
  // The shell's codes for a program that is missing or is none, and Tesseract's own complaint about its data.
  if (code === 126 || code === 127 || /Failed loading language|Error opening data file/.test(said)) {
    return new DocketError("InvalidInput", `${program} cannot be used (${how}): ${why.trim()}`, {
      remedy: "Correct DOCKET_OCR_TESSERACT, DOCKET_OCR_DATA and DOCKET_OCR_LANGUAGES.",
    });
  }
  if (ending === undefined || code === 0) {
    return new DocketError("RecognizerCrashed", `${program} printed nothing of the page: ${why.trim() || "no row"}`);
  }
  return new DocketError("RecognizerCrashed", `${program} ended with ${how}: ${why.trim()}`);
}
