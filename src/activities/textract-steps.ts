import type { MissingPage } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { DocumentPart } from "../textract/choose-attempt.ts";

// What the three steps of a reading by Textract are asked, and hand on to each other.

/** What `submitTextract` is asked. */
export interface SubmitRequest {
  documentId: string;
  document: DocumentLocation;
  features: Feature[];
  region: string;
  force: boolean;
  /** The run that a reset began from, the run itself where there was none; undefined in histories of earlier versions. */
  firstRunId?: string | undefined;
  /** Where `document` is a small one, made of pages that are missing. */
  part?: DocumentPart | undefined;
}

/** A job that Textract has taken, by reference. */
export interface SubmittedJob {
  /** Primary key of the ledger's row. */
  ledgerId: string;
  jobId: string;
  region: string;
  attempt: number;
  /** Its end is notified, so that looking seldom is enough. */
  notified: boolean;
}

/** What `awaitTextract` is asked. */
export interface AwaitRequest {
  documentId: string;
  features: Feature[];
  job: SubmittedJob;
}

/** How a Textract job ended, with pages to collect. */
export interface FinishedJob {
  status: "SUCCEEDED" | "PARTIAL_SUCCESS";
  /** Pages that Textract reports. */
  pages: number;
  /** Pages that Textract could not read, with its codes. */
  failedPages: { page: number; code: string }[];
}

/** What `collectPages` is asked. */
export interface CollectRequest {
  documentId: string;
  features: Feature[];
  job: SubmittedJob;
  finished: FinishedJob;
  /** Pages of the whole document. */
  expectedPages: number;
  /** Where the job read only some pages: which, and the ledger's row of the job that read the whole. */
  part?: (DocumentPart & { wholeLedgerId: string }) | undefined;
}

/** What a document has after a job's result is stored. */
export interface CollectedPages {
  /** Pages of the whole document that no job has read; empty: all are there. */
  missing: MissingPage[];
}
