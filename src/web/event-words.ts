import type { EventKind } from "../database/document-events.ts";

const words: Partial<Record<EventKind, string>> = {
  "record-created": "Handed in",
  "metadata-written": "Metadata written",
  "prerequisites-met": "Prerequisites met",
  "textract-submitted": "Submitted to Textract",
  "textract-finished": "Textract finished",
  "textract-expired": "Textract’s result expired",
  "pages-collected": "Pages collected",
  "object-staged": "Copied to a region with Textract",
  "pages-extracted": "Missing pages taken out, to be read again",
  "copies-removed": "Copies removed",
  incomplete: "Ended incomplete",
  "recognition-begun": "Recognition begun on this machine",
  "recognized-locally": "Recognised on this machine",
  completed: "Completed",
  failed: "Failed",
  redriven: "Started again",
  "page-corrected": "A page corrected by hand",
  "correction-removed": "A correction taken away",
  "deletion-begun": "Deletion begun",
};

/** What an event means; a kind that is not known yet is told as it is. */
export function eventWords(kind: string): string {
  const known = Object.hasOwn(words, kind) ? words[kind as EventKind] : undefined;
  return known ?? kind.replaceAll("-", " ");
}

/** Whether an event is good news, bad news, or just a step. */
export function eventTone(kind: string): "good" | "bad" | "step" {
  if (kind === "completed") return "good";
  return kind === "failed" || kind === "incomplete" || kind === "textract-expired" ? "bad" : "step";
}
