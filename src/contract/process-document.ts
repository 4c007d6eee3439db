import type { Failure } from "./failures.ts";
import type { FeatureType, Query } from "./features.ts";

/** The workflow's type name, as any Temporal client starts it. */
export const processDocumentType = "processDocument";

/** Task queues, each with its own kind of work; a worker process chooses which it serves. */
export const taskQueues = {
  documents: "documents",
  textractSubmit: "textract-submit",
  textractResults: "textract-results",
  ocr: "ocr",
} as const;

export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];

/** Names of what a running workflow answers to. */
export const progressQuery = "progress";
export const textractFinishedSignal = "textractFinished";
export const textractTurnSignal = "textractTurn";

/** Typed search attributes, by their names on the server. */
export const searchAttributeNames = {
  project: "DocketProject",
  stage: "DocketStage",
  engine: "DocketEngine",
  pages: "DocketPages",
  failureType: "DocketFailureType",
  batch: "DocketBatch",
} as const;

/** Where a document's bytes are. */
export interface DocumentLocation {
  bucket: string;
  key: string;
  /** S3 version id, to pin the content where the bucket keeps versions. */
  version?: string;
}

/**
 * Who reads the document. `textract-then-local` tries the bounded local recogniser after Textract failed for good, on
 * the pages that Textract did not read, and only when a caller names it: there is no automatic fallback.
 */
export type Engine = "textract" | "local" | "textract-then-local";
export const engines: readonly Engine[] = ["textract", "local", "textract-then-local"];

/**
 * Above this no engine reads a document (bytes): it is refused by its prerequisites, and not hashed first, so that its id
 * is that of its address.
 */
export const largestHashedBytes = 500 * 1024 * 1024;

/** Input of `processDocument`: references only, never the document itself. */
export interface ProcessDocumentInput {
  document: DocumentLocation;
  /** Project slug (lower-case letters, digits, hyphens; up to 63); made when it does not exist. Default: `default`. */
  project?: string;
  /** UUID; derived from project and content when left out. */
  documentId?: string;
  /** Hexadecimal SHA-256 of the content, when the caller knows it; otherwise Docket reads the object once. */
  sha256?: string;
  /**
   * Entity tag, as S3 gave it, of the object that `sha256` was made from: an object with another one is refused
   * (`ObjectChanged`), instead of being taken for that content.
   */
  etag?: string;
  /** Name to show; the last part of the key when left out. */
  fileName?: string;
  /** Where it came from, free text (a path, a system's name). Default: the object's S3 address. */
  source?: string;
  /** The caller's own fields, kept with the document. */
  customFields?: Record<string, string>;
  /** Default: `textract`. */
  engine?: Engine;
  /** What Textract is asked for beyond plain text. Empty, and without queries: StartDocumentTextDetection. */
  features?: FeatureType[];
  /** Questions that are asked of every page, at most 30. */
  queries?: Query[];
  /** 1 (first) to 5 (last); default 3. */
  priority?: number;
  /** Start a new paid attempt even where an earlier one is complete or failed. */
  force?: boolean;
}

/** Result of `processDocument`. A document that fails ends as a failed workflow whose details hold a {@link Failure}. */
export interface ProcessDocumentResult {
  documentId: string;
  project: string;
  status: "complete";
  /** Who read it; its first page, where both did. */
  engine: "textract" | "local";
  /** Pages that the document has. */
  pages: number;
  /** Pages whose text is in the database; equal to `pages`. */
  storedPages: number;
  /** Unicode code points of the text. */
  characters: number;
  /** Mean over pages with words, 0-100; null when there are none. */
  meanConfidence: number | null;
  /** Paid jobs over the document's whole life. */
  textractJobs: number;
  /** US dollars over the document's whole life. */
  costUsd: number;
  /** True when an earlier run had already completed it and nothing was done again. */
  reused: boolean;
}

/** The steps of a document's life, by the names of their activities. */
export const stages = [
  "ensureProject",
  "createRecord",
  "writeMetadata",
  "checkPrerequisites",
  "stageObject",
  "submitTextract",
  "awaitTextract",
  "collectPages",
  "extractMissingPages",
  "removeCopies",
  "recognizeLocally",
  "completeDocument",
  "failDocument",
] as const;

export type Stage = (typeof stages)[number] | "complete" | "failed";

/** The step that every document begins with; clients that start one list it there (`DocketStage`). */
export const firstStage = "ensureProject" satisfies Stage;

/** Answer of the `progress` query. */
export interface DocumentProgress {
  documentId: string | null;
  stage: Stage;
  /** What the document waits for, in words; null while it is being worked on. */
  waitingFor: string | null;
  /** Pages that the document has; null before the prerequisites are checked. */
  pages: number | null;
  /** Textract attempts of this run. */
  attempts: number;
  failure: Failure | null;
}

/** Argument of the `textractFinished` signal, as a notification brings it. */
export interface TextractFinished {
  jobId: string;
}
