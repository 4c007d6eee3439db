import type { FailureType } from "../contract/failures.ts";

/**
 * The most that one request for a range may ask for, or one piece of a written document may have, and so the size of the
 * memory that carries it.
 */
export const rangeBytes = 1024 * 1024;

/** States of the shared control word: the worker sleeps while it says `asked`. */
export const asked = 0;
export const answered = 1;

/** What the worker is started with. */
export interface PdfWorkerData {
  /** One 32-bit word: {@link asked} or {@link answered}. */
  control: SharedArrayBuffer;
  /** The bytes of the range that was asked for, or of the piece that was written. */
  range: SharedArrayBuffer;
  /** WebAssembly memory that pdfium may use for a document, bytes. */
  memoryBytes: number;
}

/** A document, and what is asked of it. */
interface AboutDocument {
  name: string;
  /** Bytes of the document. */
  size: number;
}

/** Asks for a document's facts. */
export interface MeasureQuestion extends AboutDocument {
  /** Looking at page sizes stops after this many pages, bytes read, or milliseconds. */
  measure: { pages: number; bytes: number; milliseconds: number };
}

/** Asks for a small document of some pages (1-based, in this order). */
export interface ExtractQuestion extends AboutDocument {
  extract: { pages: number[] };
}

/** What the worker is asked: one document at a time. */
export type PdfQuestion = MeasureQuestion | ExtractQuestion;

/** What the worker learns of a PDF that opens. */
export interface PdfFacts {
  pages: number;
  ownerRestricted: boolean;
  xfa: boolean;
  /** Points. */
  widest: number;
  tallest: number;
  pagesMeasured: number;
}

/** What the worker says: any number of reads and writes, then one of the others. */
export type PdfWorkerMessage =
  | { kind: "read"; offset: number; length: number }
  | { kind: "write"; length: number }
  | { kind: "facts"; facts: PdfFacts }
  | { kind: "extracted" }
  | { kind: "encrypted" }
  | { kind: "failed"; type: FailureType; reason: string };
