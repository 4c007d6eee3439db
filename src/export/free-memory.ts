import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DocketError } from "../contract/failures.ts";
import { capWebAssemblyMemory } from "../media/memory-cap.ts";
import { keepYoungBuffersFew } from "../media/young-buffers.ts";
import { freeEngines } from "../ocr/free-engines.ts";

/**
 * Lets this process collect garbage when it is told to. A closed pdfium is a few bytes for the collector and tens of
 * megabytes for the machine: left alone, it would wait for a pressure that it does not see.
 */
function exposeCollector(): () => void {
  const global = globalThis as { gc?: () => void };
  if (global.gc === undefined) {
    setFlagsFromString("--expose-gc");
    global.gc = runInNewContext("gc") as () => void;
  }
  return global.gc;
}

/**
 * Keeps this process small: young garbage, of which an export makes a lot, gets less room than V8 would give it, and
 * code is compiled when it is first called. To be called before the work begins: what was given is not taken back.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--max-semi-space-size=2");
  keepYoungBuffersFew();
  setFlagsFromString("--optimize-for-size");
  // Of Prisma's and pdfium's code an export needs a part; compiling all of it at once takes tens of megabytes.
  setFlagsFromString("--wasm-lazy-compilation");
}

/** What pdfium may hold of a document that is exported, bytes: as much as an export may take as a whole. */
const readerBytes = 192 * 1024 * 1024;
let readers: { exhausted(): boolean } | undefined;

/**
 * Caps the memory of pdfium, which nothing else counts: originals come from anywhere. To be called once, before the
 * work begins.
 */
export function limitReaders(): void {
  readers ??= capWebAssemblyMemory(readerBytes);
}

/**
 * Does what pdfium has a part in. What it was refused memory for it leaves out and tells nobody, so a result counts only
 * where it was refused none.
 * @param name what messages call the document
 * @throws {DocketError} `OutOfMemory`; what `work` throws
 */
export async function withinMemory<T>(name: string, work: () => Promise<T>): Promise<T> {
  const outcome = await work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (readers?.exhausted()) {
    const limit = `${readerBytes / 1024 / 1024} MiB of memory`;
    throw new DocketError("OutOfMemory", `${name}: looking at the original would take more than ${limit}.`, {
      remedy: "Export it as text, markdown or json: these do not look at the original.",
    });
  }
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** Collects short-lived garbage, such as the words of pages that are done. */
export function collectGarbage(): void {
  exposeCollector()();
}

/** Gives back the memory of a pdfium that was closed and is not referred to any more. */
export async function freeReaders(): Promise<void> {
  exposeCollector();
  await freeEngines();
}
