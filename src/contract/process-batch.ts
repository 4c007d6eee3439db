import type { FeatureType, Query } from "./features.ts";
import type { Engine } from "./process-document.ts";

/** The workflow's type name, as any Temporal client starts it, on the queue `documents`. */
export const processBatchType = "processBatch";

/** Workflow id of a batch. */
export function batchWorkflowId(batchId: string): string {
  return `batch/${batchId}`;
}

/** Updates of a running batch. `setWindow` and `setPriority` take a number; the others nothing. */
export const batchUpdates = {
  pause: "pause",
  resume: "resume",
  cancel: "cancel",
  setWindow: "setWindow",
  setPriority: "setPriority",
} as const;

/** Documents of one batch that are under way at once: the default, and the most. */
export const defaultWindow = 100;
export const largestWindow = 1000;

/** Input of `processBatch`: references only; what is in the batch is read page by page, from S3 or the database. */
export interface ProcessBatchInput {
  /** UUID; derived from the workflow's first run when left out. */
  batchId?: string;
  /** All objects under an S3 prefix. Left out where the batch's rows are in the database already. */
  source?: { bucket: string; prefix: string };
  /** Default: `default`. */
  project?: string;
  /** Default: `textract`. */
  engine?: Engine;
  features?: FeatureType[];
  /** Questions that are asked of every page, at most 30. */
  queries?: Query[];
  /** 1 (first) to 5 (last); default 3. */
  priority?: number;
  /** Documents under way at once, 1 to 1000; default 100. */
  window?: number;
  /** Start new paid attempts even where earlier ones are complete. */
  force?: boolean;
  /** Leave out objects that an earlier batch handed in to the same project, unless they changed since. */
  onlyNew?: boolean;
  /** Set by the workflow itself when it continues as a new run. */
  resumed?: BatchState;
}

/** What a run of the workflow hands to the next one. */
export interface BatchState {
  batchId: string;
  settings: BatchSettings;
  /** The claim whose documents were started. */
  started: string | null;
  counts: BatchCounts;
}

/** What a running batch can be told. */
export interface BatchSettings {
  window: number;
  priority: number;
  paused: boolean;
}

/** Documents by what has become of them. */
export interface BatchCounts {
  /** Those that are known; all of them once `listed`. */
  total: number;
  listed: boolean;
  waiting: number;
  underWay: number;
  /** Complete before the batch came to them. */
  reused: number;
  complete: number;
  incomplete: number;
  failed: number;
  cancelled: number;
}

/** Answer of the `progress` query. */
export interface BatchProgress {
  batchId: string | null;
  state: "starting" | "running" | "paused" | "cancelled" | "finished";
  counts: BatchCounts;
  window: number;
  priority: number;
  /** In words; null while documents are being started. */
  waitingFor: string | null;
}

/** Result of `processBatch`: that some documents failed is no failure of the batch. */
export interface ProcessBatchResult {
  batchId: string;
  state: "finished" | "cancelled";
  counts: BatchCounts;
}
