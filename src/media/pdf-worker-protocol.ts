/** The most that one request for a range may ask for, and so the size of the memory that carries the answer. */
export const rangeBytes = 1024 * 1024;

/** States of the shared control word: the worker sleeps while it says `asked`. */
export const asked = 0;
export const answered = 1;

/** What the worker is started with. */
export interface PdfWorkerData {
  /** One 32-bit word: {@link asked} or {@link answered}. */
  control: SharedArrayBuffer;
  /** The bytes of the range that was asked for. */
  range: SharedArrayBuffer;
  /** WebAssembly memory that pdfium may use for a document, bytes. */
  memoryBytes: number;
}

/** What the worker is asked: one document at a time. */
export interface PdfQuestion {
  name: string;
  /** Bytes of the document. */
  size: number;
  /** Looking at page sizes stops after this many pages, bytes read, or milliseconds. */
  measure: { pages: number; bytes: number; milliseconds: number };
}

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

/** What the worker says: any number of reads, then one of the others. */
export type PdfWorkerMessage =
  | { kind: "read"; offset: number; length: number }
  | { kind: "facts"; facts: PdfFacts }
  | { kind: "encrypted" }
  | { kind: "failed"; reason: string };
