import { readFileSync, writeFileSync } from "node:fs";
import { DocketError } from "../contract/failures.ts";
import { capWebAssemblyMemory } from "../media/memory-cap.ts";
import { statusBytes } from "./child-memory.ts";
import type { ChildMessage, ParentMessage, RecognizerJob } from "./child-protocol.ts";
import { openDocumentFile } from "./document-file.ts";
import { endEngines } from "./native-process.ts";
import { NativeTesseract } from "./native-tesseract.ts";
import { PageReader } from "./page-reader.ts";
import { resolutions } from "./raster-plan.ts";
import type { Recognizer } from "./recognizer.ts";
import { trainedDataFiles } from "./trained-data.ts";
import { WasmTesseract } from "./wasm-tesseract.ts";

// The process that reads one document. Whatever a file does to it, it does to this process only.

const progressMilliseconds = 500;

let taken: (() => void) | undefined;

function say(message: ChildMessage): void {
  process.send?.(message);
}

/** Hands a page over and waits until it was taken. */
function handOver(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    taken = resolve;
    say(message);
  });
}

/** Where memory runs out on this machine, the kernel is to end this process and no other. */
function volunteer(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/oom_score_adj", "1000");
}

/**
 * The most that was ever resident, bytes; of this program alone, which `maxRSS` is not after a fork.
 * @param engine the engine's own process, which rests while this one draws, and reads while this one has dropped that
 */
function peakResidentBytes(engine: { restingBytes: number; peakResidentBytes: number }): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const status = readFileSync("/proc/self/status", "latin1");
  const drawing = statusBytes(status, "VmHWM") + engine.restingBytes;
  if (engine.peakResidentBytes === 0) return drawing;
  return Math.max(drawing, statusBytes(status, "VmRSS") + engine.peakResidentBytes);
}

/** @throws {DocketError} `InvalidInput` for a language without data */
function recognizerOf({ language, trainedData, native }: RecognizerJob): () => Recognizer {
  if (native !== undefined) return () => new NativeTesseract(language, native);
  const data = trainedDataFiles(language, trainedData);
  return () => new WasmTesseract(data);
}

async function run(job: RecognizerJob): Promise<void> {
  // Before the engines are loaded: they take the function that they grow by from there.
  const memory = capWebAssemblyMemory(job.engineBytes);
  // A language without data is told before the first page, whether or not a page needs it.
  const createRecognizer = recognizerOf(job);
  const file = await openDocumentFile(job.file, job.name, job.maxPixels);
  const reader = new PageReader(file, { ...job, memory, createRecognizer });
  const { pages } = await reader.open();
  if (pages > job.maxPages) {
    throw new DocketError("LocalLimitExceeded", `${job.name} has ${pages} pages; the local limit is ${job.maxPages}.`);
  }
  say({ kind: "opened", pages, mediaType: file.mediaType });
  const numbers = job.pages?.filter((number) => number <= pages) ?? numbersFrom(job.firstPage, pages);
  let attempt = job.firstAttempt;
  for (const number of numbers) {
    await readPage(reader, number, attempt);
    attempt = 0;
  }
  await reader.close();
  file.close();
}

/** Reads one page; where memory does not suffice or its decoder crashes, again with fewer pixels. */
async function readPage(reader: PageReader, page: number, firstAttempt: number): Promise<void> {
  for (let attempt = firstAttempt; ; attempt++) {
    say({ kind: "started", page, attempt });
    try {
      const recognized = await reader.read(page, attempt, progressOf(page));
      await handOver({ kind: "page", page: recognized, peakResidentBytes: peakResidentBytes(reader.engineMemory) });
      return;
    } catch (error) {
      const failure = toDocketError(error).toFailure();
      // No page's fault: the program or its data cannot be used at all, or there is no room for its pictures.
      if (failure.type === "InvalidInput" || failure.type === "StorageUnavailable") throw error;
      const again = failure.type === "OutOfMemory" || failure.type === "RecognizerCrashed";
      if (again && attempt + 1 < resolutions.length) continue;
      await handOver({
        kind: "page-failed",
        page,
        failure,
        peakResidentBytes: peakResidentBytes(reader.engineMemory),
      });
      return;
    }
  }
}

function progressOf(page: number): () => void {
  let last = Date.now();
  return () => {
    const now = Date.now();
    if (now - last < progressMilliseconds) return;
    last = now;
    say({ kind: "progress", page });
  };
}

function numbersFrom(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

function toDocketError(error: unknown): DocketError {
  if (error instanceof DocketError) return error;
  return new DocketError("Internal", `The recogniser failed: ${String(error)}`, { cause: error });
}

// The parent is gone, or all is done: an engine's own process must not outlive this one.
process.on("disconnect", () => {
  endEngines();
  process.exit(0);
});
process.on("message", (message: ParentMessage) => {
  if (message.kind === "taken") {
    taken?.();
    return;
  }
  volunteer();
  run(message.job)
    .then((): ChildMessage => ({ kind: "done" }))
    .catch((error: unknown): ChildMessage => ({ kind: "failed", failure: toDocketError(error).toFailure() }))
    // This side closes the channel: Node's parent waits for that before it reports the end ("close").
    .then((last) => process.send?.(last, () => process.disconnect()))
    .catch(() => process.exit(1));
});
