import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
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
  setFlagsFromString("--optimize-for-size");
  // Of Prisma's and pdfium's code an export needs a part; compiling all of it at once takes tens of megabytes.
  setFlagsFromString("--wasm-lazy-compilation");
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
