import type { OcrLimits } from "../config.ts";
import { DocketError, type Failure, type FailureType } from "../contract/failures.ts";
import type { Engine } from "../contract/process-document.ts";
import type { DocumentFacts } from "../media/inspect-document.ts";

/**
 * Textract's limits for asynchronous operations (developer guide, "Set Quotas in Amazon Textract").
 * Sizes in bytes, sides of PDF pages in points (40 inches), sides of images in pixels.
 */
const textractLimits = {
  documentBytes: 500 * 1024 * 1024,
  imageBytes: 10 * 1024 * 1024,
  pages: 3000,
  sidePoints: 2880,
  sidePixels: 10_000,
};

/**
 * Every reason why an engine cannot read a document, so that all are reported at once.
 * @param name how the messages name the document
 */
export function engineProblems(name: string, facts: DocumentFacts, engine: Engine, ocr: OcrLimits): Failure[] {
  const failures: Failure[] = [];
  const fail = (type: FailureType, message: string) => failures.push(new DocketError(type, message).toFailure());
  const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`;

  if (facts.encrypted) fail("Encrypted", `${name} is protected by a password.`);
  if (engine === "local") {
    if (facts.sizeBytes > ocr.maxBytes) {
      fail("LocalLimitExceeded", `${name} has ${megabytes(facts.sizeBytes)}, the limit is ${megabytes(ocr.maxBytes)}.`);
    }
    if (facts.pages > ocr.maxPages) {
      fail("LocalLimitExceeded", `${name} has ${facts.pages} pages, the local limit is ${ocr.maxPages}.`);
    }
    return failures;
  }

  if (facts.ownerRestricted && !facts.encrypted) {
    fail("Encrypted", `${name} is encrypted: an owner password restricts what may be done with it.`);
  }
  const image = facts.mediaType === "image/jpeg" || facts.mediaType === "image/png";
  const bytesLimit = image ? textractLimits.imageBytes : textractLimits.documentBytes;
  const sideLimit = facts.mediaType === "application/pdf" ? textractLimits.sidePoints : textractLimits.sidePixels;
  const unit = facts.mediaType === "application/pdf" ? "points" : "pixels";
  if (facts.xfa) fail("XfaForm", `${name} is an XFA form.`);
  if (facts.sizeBytes > bytesLimit) {
    fail("TooLarge", `${name} has ${megabytes(facts.sizeBytes)}, Textract's limit is ${megabytes(bytesLimit)}.`);
  }
  if (facts.pages > textractLimits.pages) {
    fail("TooManyPages", `${name} has ${facts.pages} pages, Textract's limit is ${textractLimits.pages}.`);
  }
  const side = Math.max(facts.widest, facts.tallest);
  if (side > sideLimit) {
    fail("PageTooLarge", `${name} has a page side of ${Math.round(side)} ${unit}, Textract's limit is ${sideLimit}.`);
  }
  return failures;
}
