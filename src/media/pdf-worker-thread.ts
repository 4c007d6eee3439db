import { parentPort, workerData } from "node:worker_threads";
import { DocketError } from "../contract/failures.ts";
import { KeptPdfium } from "./kept-pdfium.ts";
import { capWebAssemblyMemory } from "./memory-cap.ts";
import { hiddenPages, hidesPages } from "./pdf-file/hidden-pages.ts";
import type { MeasureQuestion, PdfFacts, PdfQuestion, PdfWorkerData, PdfWorkerMessage } from "./pdf-worker-protocol.ts";
import { openDocument, type PdfDocument } from "./pdfium.ts";
import { copyPages } from "./pdfium-copy.ts";
import { RemoteSink } from "./remote-sink.ts";
import { RemoteSource } from "./remote-source.ts";

// The program of the thread that PdfWorker starts: answers one question after another.

/** What may be read to find out whether there are more pages than are told. */
const hiddenPagesBytes = 2 * 1024 * 1024;

const shared = workerData as PdfWorkerData;
const memory = capWebAssemblyMemory(shared.memoryBytes);
const say = (message: PdfWorkerMessage) => parentPort?.postMessage(message);
const kept = new KeptPdfium();
parentPort?.on("message", (question: PdfQuestion) => void answer(question).then(say));

async function answer(question: PdfQuestion): Promise<PdfWorkerMessage> {
  const { name } = question;
  // A page far back in a large document makes pdfium look at every page before it: a small place each.
  const blockBytes = "extract" in question ? 8 * 1024 : 64 * 1024;
  let begun = false;
  const ask = (message: PdfWorkerMessage) => {
    begun = true;
    say(message);
  };
  const source = new RemoteSource(question.size, shared, ask, blockBytes);
  let document: PdfDocument | undefined;
  try {
    if ("extract" in question) {
      document = await openDocument(source, name);
      const sink = new RemoteSink(shared, say);
      copyPages(document, question.extract.pages, (bytes) => sink.write(bytes));
      if (memory.exhausted()) return tooLarge(question);
      sink.flush();
      return { kind: "extracted" };
    }
    document = await openDocument(source, name, await kept.take());
    const facts = learn(document, source, question);
    if (memory.exhausted()) return tooLarge(question);
    document.close();
    kept.giveBack();
    return { kind: "facts", facts };
  } catch (error) {
    if (memory.exhausted()) return tooLarge(question);
    if (!(error instanceof DocketError)) {
      // Before it saw a byte of the document, the document cannot be the cause.
      if (!begun) return { kind: "failed", type: "Internal", reason: `The PDF library did not start (${error}).` };
      // pdfium itself failed: a trap, an endless recursion.
      return {
        kind: "failed",
        type: "Corrupt",
        reason: `${name} cannot be read as a PDF: reading it broke the PDF library.`,
      };
    }
    if (error.type === "Encrypted") return { kind: "encrypted" };
    return { kind: "failed", type: error.type, reason: error.message };
  } finally {
    document?.close();
  }
}

function tooLarge(question: PdfQuestion): PdfWorkerMessage {
  const limit = `more than ${shared.memoryBytes / 1024 / 1024} MiB of memory`;
  if ("measure" in question) {
    const reason = `${question.name}: its structure alone would take ${limit}.`;
    return { kind: "failed", type: "Corrupt", reason };
  }
  const reason = `${question.name}: taking ${question.extract.pages.length} pages out of it would take ${limit}.`;
  return { kind: "failed", type: "OutOfMemory", reason };
}

/** Page sizes are looked at in the order of the pages: finding a page makes pdfium look at all before it. */
function learn(document: PdfDocument, source: RemoteSource, { name, measure }: MeasureQuestion): PdfFacts {
  const facts: PdfFacts = {
    pages: document.pageCount,
    ownerRestricted: document.securityHandlerRevision !== -1,
    xfa: document.formType === "xfa-full" || document.formType === "xfa-foreground",
    widest: 0,
    tallest: 0,
    pagesMeasured: 0,
  };
  if (facts.pages <= 0) throw new DocketError("Corrupt", `${name} is a PDF without pages.`);
  // First, while what pdfium has read of the structure is still at hand.
  const bytes = source.bytesAsked + hiddenPagesBytes;
  if (hidesPages(source, facts.pages, { believeNodes: true, mayGoOn: () => source.bytesAsked < bytes })) {
    throw hiddenPages(name, facts.pages);
  }
  const deadline = performance.now() + measure.milliseconds;
  for (let page = 1; page <= Math.min(facts.pages, measure.pages); page++) {
    if (source.bytesAsked > measure.bytes || performance.now() > deadline) break;
    const sides = document.pageSize(page);
    if (sides === undefined) {
      throw new DocketError("Corrupt", `${name}: page ${page} of ${facts.pages} cannot be found in its page tree.`);
    }
    facts.widest = Math.max(facts.widest, sides.width);
    facts.tallest = Math.max(facts.tallest, sides.height);
    facts.pagesMeasured = page;
  }
  return facts;
}
