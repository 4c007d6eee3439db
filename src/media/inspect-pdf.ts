import type { DocumentFacts } from "./document-facts.ts";
import { PdfWorker } from "./pdf-worker.ts";
import type { MeteredSource } from "./range-reader.ts";

/**
 * Learns a PDF's facts from pdfium, which runs in a thread of its own: it can be ended at any moment, and it can sleep
 * while this thread reads the range that it asked for.
 *
 * @param signal ends the work; its reason is thrown
 * @param milliseconds that may be spent on page sizes
 * @throws {DocketError} `Corrupt`; what the source throws is thrown on as it is
 */
export async function inspectPdf(
  source: MeteredSource,
  signal: AbortSignal,
  milliseconds: number,
): Promise<DocumentFacts> {
  // One page more than the largest document that Textract takes: beyond that no size matters any more.
  const measure = { pages: 3001, bytes: 16 * 1024 * 1024, milliseconds };
  const answer = await PdfWorker.ask({ name: source.name, size: source.size, measure }, source, signal);
  const learnt =
    answer.kind === "facts"
      ? answer.facts
      : { pages: 0, ownerRestricted: false, xfa: false, widest: 0, tallest: 0, pagesMeasured: 0 };
  return {
    mediaType: "application/pdf",
    sizeBytes: source.size,
    encrypted: answer.kind === "encrypted",
    unit: "points",
    problems: [],
    ...learnt,
  };
}
