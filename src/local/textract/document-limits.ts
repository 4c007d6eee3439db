import { DocketError } from "../../contract/failures.ts";
import type { DocumentFacts } from "../../media/inspect-document.ts";
import { type MediaType, mediaTypeOf } from "../../media/media-type.ts";
import { TextractError, textractError } from "./textract-error.ts";

/** Synchronous operations take one page and 10 MB; jobs take 3,000 pages and 500 MB. */
export type OperationMode = "synchronous" | "asynchronous";

const mebibyte = 1024 * 1024;

/** Pages of a document. */
export const maxPages: Record<OperationMode, number> = { synchronous: 1, asynchronous: 3000 };

// Developer guide, "Set Quotas in Amazon Textract"; the service model counts in powers of two (10485760).
const maxBytes: Record<OperationMode, Record<MediaType, number>> = {
  synchronous: {
    "application/pdf": 10 * mebibyte,
    "image/tiff": 10 * mebibyte,
    "image/jpeg": 10 * mebibyte,
    "image/png": 10 * mebibyte,
  },
  asynchronous: {
    "application/pdf": 500 * mebibyte,
    "image/tiff": 500 * mebibyte,
    "image/jpeg": 10 * mebibyte,
    "image/png": 10 * mebibyte,
  },
};

// 40 inches of a PDF page; pixels of an image.
const maxSide = { points: 2880, pixels: 10_000 };

/**
 * Refuses what can be told by the first bytes and the size: before a job is accepted.
 * @throws {TextractError} `UnsupportedDocumentException`, `DocumentTooLargeException`
 */
export function checkStartOfDocument(start: Uint8Array, size: number, mode: OperationMode): void {
  const mediaType = mediaTypeOf(start);
  if (mediaType === null) throw textractError("UnsupportedDocumentException");
  const limit = maxBytes[mode][mediaType];
  if (size <= limit) return;
  const message = `The document (${mediaType}) has ${size} bytes; the limit of ${mode} operations is ${limit}.`;
  throw new TextractError("DocumentTooLargeException", message);
}

/**
 * Refuses what only the document itself tells: when a job runs, as Textract does.
 * @throws {DocketError} `Encrypted`, `XfaForm`, `TooManyPages`, `PageTooLarge`
 */
export function checkFacts(facts: DocumentFacts, mode: OperationMode): void {
  if (facts.encrypted || facts.ownerRestricted) {
    throw new DocketError("Encrypted", "the document is protected by a password");
  }
  if (facts.xfa) throw new DocketError("XfaForm", "the document is an XFA form");
  if (facts.pages > maxPages[mode]) {
    throw new DocketError("TooManyPages", `the document has ${facts.pages} pages, the limit is ${maxPages[mode]}`);
  }
  const side = Math.max(facts.widest, facts.tallest);
  const limit = maxSide[facts.unit];
  if (side > limit) {
    const message = `the document has a page side of ${Math.round(side)} ${facts.unit}, the limit is ${limit}`;
    throw new DocketError("PageTooLarge", message);
  }
}
