import type { Failure } from "../contract/failures.ts";
import type { RecognizedPage } from "../contract/page.ts";
import type { MediaType } from "../media/media-type.ts";
import type { NativeTesseractSettings } from "./native-process.ts";

/** What a child process is to read: one document, or the rest of it. */
export interface RecognizerJob {
  file: string;
  /** What messages call the document. */
  name: string;
  /** 1-based page numbers; undefined: all from `firstPage` on. */
  pages: number[] | undefined;
  firstPage: number;
  /** Attempt (see `resolutions`) that the first page starts with; the others start with 0. */
  firstAttempt: number;
  /** Whether the strokes of pages with a text layer are told, too. */
  rules: boolean;
  maxPages: number;
  maxPixels: number;
  language: string;
  trainedData: string | undefined;
  /** The user's own `tesseract`, where one is configured. */
  native: NativeTesseractSettings | undefined;
  /** WebAssembly memory that one engine may use, bytes. */
  engineBytes: number;
}

/** What the child says. It waits for {@link PageTaken} after each page, so that pages never pile up. */
export type ChildMessage =
  | { kind: "opened"; pages: number; mediaType: MediaType }
  | { kind: "started"; page: number; attempt: number }
  | { kind: "progress"; page: number }
  | { kind: "page"; page: RecognizedPage; peakResidentBytes: number }
  | { kind: "page-failed"; page: number; failure: Failure; peakResidentBytes: number }
  /** The document as a whole cannot be read. */
  | { kind: "failed"; failure: Failure }
  | { kind: "done" };

/** What the child is told: its job first, then that each page was taken. */
export type ParentMessage = { kind: "job"; job: RecognizerJob } | PageTaken;

export interface PageTaken {
  kind: "taken";
}
