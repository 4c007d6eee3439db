import type { DocumentOutcome } from "../../client/document-outcome.ts";
import type { FollowedDocument } from "../../client/follow-documents.ts";

/** Where one file stands on its way, for the display. */
export interface FileProgress {
  /** What it is called on the screen. */
  name: string;
  state: "found" | "handing-in" | "started" | "complete" | "reused" | "incomplete" | "failed" | "cancelled";
  /** Name of the workflow's current activity; null outside of it. */
  stage: string | null;
  waitingFor: string | null;
  pages: number | null;
  pagesDone: number;
  /** Set with the state `failed`. */
  failure?: { type: string; message: string };
}

/** Everything that a progress display shows. */
export interface ProgressView {
  files: FileProgress[];
  /** Null until enough pages were read to tell. */
  pagesPerMinute: number | null;
  millisecondsLeft: number | null;
  /** Why nothing moves, when a service does not answer, and since when (`Date.now()`). */
  trouble: { what: string; since: number } | null;
}

export interface Totals {
  documents: number;
  ended: number;
  failed: number;
  pages: number;
  pagesDone: number;
  /** Whether `pages` counts every document. */
  pagesKnown: boolean;
}

const ended = new Set(["complete", "reused", "incomplete", "failed", "cancelled"]);

const unhappy = new Set(["incomplete", "failed", "cancelled"]);

/** Whether nothing more happens to a file. */
export function hasEnded(file: FileProgress): boolean {
  return ended.has(file.state);
}

/** Sums over all files. */
export function totalsOf(files: FileProgress[]): Totals {
  const totals: Totals = { documents: files.length, ended: 0, failed: 0, pages: 0, pagesDone: 0, pagesKnown: true };
  for (const file of files) {
    if (hasEnded(file)) totals.ended += 1;
    if (unhappy.has(file.state)) totals.failed += 1;
    totals.pages += file.pages ?? 0;
    totals.pagesDone += Math.min(file.pagesDone, file.pages ?? 0);
    if (file.pages === null && !hasEnded(file)) totals.pagesKnown = false;
  }
  return totals;
}

/** A file that nothing was done with yet. */
export function foundProgress(name: string): FileProgress {
  return { name, state: "found", stage: null, waitingFor: null, pages: null, pagesDone: 0 };
}

/** What following a document tells about its file. */
export function startedProgress({ stage, waitingFor, pages, pagesDone }: FollowedDocument): Partial<FileProgress> {
  return { state: "started", stage, waitingFor, pages, pagesDone };
}

/** What a document's end tells about its file. */
export function endedProgress(outcome: DocumentOutcome, reused: boolean): Partial<FileProgress> {
  return {
    state: reused && outcome.status === "complete" ? "reused" : outcome.status,
    stage: null,
    waitingFor: null,
    pages: outcome.pages,
    pagesDone: outcome.storedPages,
    ...(outcome.failure === null ? {} : { failure: outcome.failure }),
  };
}
