import { createHash } from "node:crypto";
import type { Feature } from "../contract/features.ts";

/** What makes two requests the same paid work. */
export interface PaidWork {
  documentId: string;
  /** Identifies the bytes: content hash, else object version, else entity tag. */
  content: string;
  features: readonly Feature[];
  /** 1-based; the next number is a deliberate new payment. */
  attempt: number;
  /** The document's pages that are read, where it is not all of them. */
  pages?: readonly number[];
}

/**
 * The ClientRequestToken of a job: the same work gives the same token, so that a repeated Start returns the job that
 * is already there. Textract takes 1-64 of `[a-zA-Z0-9-_]` and remembers a token for seven days (API reference,
 * StartDocumentTextDetection).
 */
export function requestToken(work: PaidWork): string {
  const parts = [work.documentId, work.content, [...work.features].sort().join("+"), work.attempt];
  // Tokens of whole documents stay what they were before parts of them could be read.
  if (work.pages !== undefined && work.pages.length > 0) parts.push(`pages ${work.pages.join(",")}`);
  const identity = parts.join("\n");
  return createHash("sha256").update(identity).digest("hex");
}
