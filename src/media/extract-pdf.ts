import type { ExtractOptions } from "./extract-options.ts";
import { PdfWorker } from "./pdf-worker.ts";
import type { MeteredSource } from "./range-reader.ts";

// pdfium holds the streams of the pages that it takes over: a grey page of 300 dpi has about 1 MB.
const memoryBytes = 192 * 1024 * 1024;

/**
 * Makes a PDF of some pages with pdfium, in a thread of its own that ends with the work.
 * @throws {DocketError} `Corrupt`, `OutOfMemory`; what the source and `write` throw is thrown on as it is
 */
export async function extractPdf(
  source: MeteredSource,
  { pages, write, signal }: Pick<ExtractOptions, "pages" | "write" | "signal">,
): Promise<void> {
  const question = { name: source.name, size: source.size, extract: { pages: [...pages] } };
  await PdfWorker.extract(question, source, { signal, write, memoryBytes });
}
