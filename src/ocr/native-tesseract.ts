import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { closeSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { DocketError } from "../contract/failures.ts";
import { statusBytes } from "./child-memory.ts";
import { namelessFile } from "./nameless-file.ts";
import type { Picture, Recognizer } from "./recognizer.ts";

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

const watchMilliseconds = 50;
const running = new Set<ChildProcess>();

/** Ends the programs of this process that are still at work. */
export function endEngines(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** A page's words, with room: the TSV of a page full of small print has half a megabyte. */
const outputLimit = 16 * 1024 * 1024;
const keptErrorBytes = 8192;

/** Where a program finds the fourth file that it was started with. */
const pictureFile = { index: 3, path: "/dev/fd/3" };

/**
 * The user's own `tesseract`, one process a page: the picture goes in as a file that has no name and so is gone with its
 * last reader, and the words come out by standard output. By standard input Tesseract takes a picture byte by byte: 0.45 s
 * a page at 300 DPI. One thread: several gain little and cost three times the processor.
 */
export class NativeTesseract implements Recognizer {
  readonly #languages: string;
  readonly #settings: NativeTesseractSettings;
  #peak = 0;

  constructor(languages: string, settings: NativeTesseractSettings) {
    this.#languages = languages;
    this.#settings = settings;
  }

  get peakResidentBytes(): number {
    return this.#peak;
  }

  async recognize(picture: Picture, onProgress: () => void): Promise<string> {
    const { program, data, pictures, dataBytes, seconds } = this.#settings;
    const dpi = picture.dpi === undefined ? [] : ["--dpi", String(picture.dpi)];
    const options = ["--tessdata-dir", data, "-l", this.#languages, "--oem", "1", "--psm", "3", ...dpi];
    const limits = `ulimit -d ${Math.floor(dataBytes / 1024)} 2>/dev/null; ulimit -t ${Math.ceil(seconds)}`;
    const file = namelessFile(pictures, picture.file);
    picture.file = new Uint8Array(0);
    const child = spawn(
      "/bin/sh",
      [
        "-c",
        `${limits}; exec "$0" "$@"`,
        program,
        pictureFile.path,
        "stdout",
        ...options,
        "-c",
        "tessedit_create_tsv=1",
      ],
      { env: { OMP_THREAD_LIMIT: "1", LC_ALL: "C" }, stdio: ["ignore", "pipe", "pipe", file] },
    ) as ChildProcessByStdio<null, Readable, Readable>;
    closeSync(file);
    running.add(child);
    const watch = setInterval(() => {
      onProgress();
      if (child.pid !== undefined) this.#peak = Math.max(this.#peak, peakOf(child.pid));
    }, watchMilliseconds);
    try {
      return await outputOf(child, program);
    } finally {
      clearInterval(watch);
      running.delete(child);
    }
  }
}

function outputOf(child: ChildProcessByStdio<null, Readable, Readable>, program: string): Promise<string> {
  const output: Buffer[] = [];
  let bytes = 0;
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > outputLimit) child.kill("SIGKILL");
    else output.push(chunk);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-keptErrorBytes);
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new DocketError("Internal", `${program} cannot be run: ${error.message}`)));
    child.on("close", (code, signal) => {
      // Leptonica goes on without what it had no memory for.
      if (code === 0 && !memoryWords.test(said)) resolve(Buffer.concat(output).toString("utf8"));
      else reject(failureOf(program, code, signal, said));
    });
  });
}

const memoryWords = /out of memory|bad_alloc|insufficient memory|memory exhausted|alloc fail/i;

function failureOf(program: string, code: number | null, signal: NodeJS.Signals | null, said: string): DocketError {
  if (memoryWords.test(said)) return new DocketError("OutOfMemory", `${program} was refused memory.`);
  if (signal === "SIGXCPU") return new DocketError("OutOfTime", `${program} used up its time for a page.`);
  const why = said.split("\n").find((line) => /error|fail|not found|denied/i.test(line)) ?? "";
  const how = signal ?? `exit code ${code}`;
  // The shell's codes for a program that is missing or is none, and Tesseract's own complaint about its data.
  if (code === 126 || code === 127 || /Failed loading language|Error opening data file/.test(said)) {
    return new DocketError("InvalidInput", `${program} cannot be used (${how}): ${why.trim()}`, {
      remedy: "Correct DOCKET_OCR_TESSERACT, DOCKET_OCR_DATA and DOCKET_OCR_LANGUAGES.",
    });
  }
  return new DocketError("RecognizerCrashed", `${program} ended with ${how}: ${why.trim()}`);
}

/** The most that a process has held, bytes; 0 where the system does not tell. */
function peakOf(pid: number): number {
  try {
    return statusBytes(readFileSync(`/proc/${pid}/status`, "latin1"), "VmHWM");
  } catch {
    // It has ended, or this is no Linux.
    return 0;
  }
}
