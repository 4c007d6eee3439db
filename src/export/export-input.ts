import type { StoredPage } from "../client/read-pages.ts";
import type { MissingPage } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";

/** What is told of a document in the files that are made of it. */
export interface ExportedDocument {
  documentId: string;
  fileName: string;
  project: string;
  status: string;
  engine: string;
  features: string[];
  mediaType: string | null;
  /** Hexadecimal, of the original's content; null where it was never computed. */
  sha256: string | null;
  source: string;
  customFields: Record<string, string>;
  expectedPages: number | null;
  storedPages: number;
  characters: number | null;
  /** 0-100. */
  meanConfidence: number | null;
  /** Of an incomplete document: the pages that it lacks. */
  missingPages: MissingPage[] | null;
}

/** A page together with what leads to its raw blocks. */
export interface ExportedPage extends StoredPage {
  /** Textract's job id, or the run of a local recognition. */
  writtenBy: string;
  /** Its number in what that job read: another than `number` where the job read some pages of the document only. */
  numberInJob: number;
  /** Key of the raw answer in which the page's blocks begin; null for local pages. */
  rawKey: string | null;
}

/** Everything that a format may need. Pages can be read any number of times. */
export interface ExportInput {
  document: ExportedDocument;
  location: DocumentLocation;
  pages(): AsyncIterable<ExportedPage>;
  /** Reads a raw answer. @throws {DocketError} `ObjectMissing` when it was deleted */
  readRaw(key: string): Promise<Uint8Array>;
  /** Path of the original on this disk; fetched at the first call. */
  original(): Promise<string>;
}
