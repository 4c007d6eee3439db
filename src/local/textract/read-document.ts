import { open } from "node:fs/promises";
import type { OcrLimits } from "../../config.ts";
import type { Failure } from "../../contract/failures.ts";
import type { RecognizedPage } from "../../contract/page.ts";
import { type DocumentSource, inspectDocument } from "../../media/inspect-document.ts";
import { recognizeDocument } from "../../ocr/recognize-document.ts";
import { checkFacts, maxPages, type OperationMode } from "./document-limits.ts";

/** How documents are read on this machine. */
export interface ReadingSettings {
  /** Resident memory of the process that reads a document, bytes. */
  memoryBytes: number;
  /** Tesseract language codes, joined by `+`. */
  language: string;
  /** A native Tesseract's program; undefined: the one that is built in. */
  tesseract: string | undefined;
  /** Folder of the native program's trained data. */
  trainedData: string | undefined;
}

/** Reading itself is bounded by the reader; this is for looking at a document's structure. */
const inspectionMilliseconds = 60_000;
const pageMilliseconds = 60_000;

/**
 * Reads the text of a document, page after page, after Textract's limits were checked against the document itself.
 * @throws {DocketError} for a document that cannot be read at all; pages that cannot are in `failures`
 */
export async function readDocument(
  request: {
    file: string;
    /** What messages call the document. */
    name: string;
    mode: OperationMode;
    /** Whether the page's strokes are wanted, for its tables. */
    rules: boolean;
    /** 1-based. */
    firstPage: number;
    signal: AbortSignal;
    /** Told the number of pages before the first is read. */
    onCounted(pages: number): Promise<void> | void;
    onPage(page: RecognizedPage): Promise<void> | void;
  },
  settings: ReadingSettings,
): Promise<{ failures: { page: number; failure: Failure }[] }> {
  const { file, name, mode, firstPage, signal } = request;
  const handle = await open(file, "r");
  let pages: number;
  try {
    const { size } = await handle.stat();
    const source: DocumentSource = {
      size,
      async read(offset, length) {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      },
    };
    const facts = await inspectDocument(source, { name, timeoutMilliseconds: inspectionMilliseconds, signal });
    checkFacts(facts, mode);
    pages = facts.pages;
  } finally {
    await handle.close();
  }
  await request.onCounted(pages);
  if (firstPage > pages) return { failures: [] };
  const { failures } = await recognizeDocument({
    file,
    name,
    limits: recognitionLimits(mode, settings),
    firstPage,
    rules: request.rules,
    signal,
    onPage: request.onPage,
  });
  return { failures };
}

function recognitionLimits(mode: OperationMode, settings: ReadingSettings): OcrLimits {
  return {
    ...settings,
    maxBytes: 500 * 1024 * 1024,
    maxPages: maxPages[mode],
    // 300 DPI of an A4 page; what is larger is read at fewer dots an inch.
    maxPixels: 9_000_000,
    pageMilliseconds,
    documentMilliseconds: maxPages[mode] * pageMilliseconds,
  };
}
