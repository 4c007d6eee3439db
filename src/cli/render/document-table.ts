import type { DocumentOutcome } from "../../client/document-outcome.ts";
import type { Failure } from "../../contract/failures.ts";
import type { Colors } from "../output.ts";
import { type Column, renderColumns } from "./columns.ts";
import { formatCount, formatUsd, plural } from "./format.ts";
import { printableLine, shorten } from "./printable.ts";
import { shortNames } from "./short-names.ts";

/** One file's result in a run. */
export interface FileResult {
  file: string;
  outcome: DocumentOutcome;
  /** Complete from an earlier run; nothing was done again. */
  reused: boolean;
}

const columns: Column[] = [
  { title: "document" },
  { title: "status" },
  { title: "pages", align: "right" },
  { title: "characters", align: "right" },
  { title: "confidence", align: "right" },
  { title: "engine" },
  { title: "seconds", align: "right" },
  { title: "cost", align: "right" },
];

/** The table at the end of a run, with a sum below when there is more than one document. */
export function renderResults(results: FileResult[], color: Colors): string {
  const names = shortNames(results.map(({ file }) => file));
  const rows = results.map(({ file, outcome, reused }, index) => [
    shorten(printableLine(names[index] ?? file), 48),
    outcome.status === "complete" ? (reused ? "reused" : "complete") : color.red(outcome.status),
    pagesOf(outcome),
    formatCount(outcome.characters),
    outcome.meanConfidence === null ? "" : outcome.meanConfidence.toFixed(1),
    outcome.engine,
    outcome.milliseconds === null ? "" : (outcome.milliseconds / 1000).toFixed(1),
    formatUsd(outcome.costUsd),
  ]);
  if (results.length > 1) rows.push(sumOf(results));
  const [head = "", ...lines] = renderColumns(columns, rows).split("\n");
  if (results.length > 1) lines.push(color.bold(lines.pop() ?? ""));
  return [color.bold(head), ...lines].join("\n");
}

function pagesOf(outcome: DocumentOutcome): string {
  if (outcome.pages === null) return "";
  const partly = outcome.storedPages < outcome.pages;
  return partly ? `${outcome.storedPages}/${outcome.pages}` : formatCount(outcome.pages);
}

function sumOf(results: FileResult[]): string[] {
  // Files with the same content are one document, paid once.
  const documents = [...new Map(results.map((r, i) => [r.outcome.documentId ?? i, r.outcome])).values()];
  const sum = (value: (outcome: DocumentOutcome) => number) => documents.reduce((total, one) => total + value(one), 0);
  return [
    plural(documents.length, "document"),
    "",
    formatCount(sum((one) => one.storedPages)),
    formatCount(sum((one) => one.characters)),
    "",
    "",
    "",
    formatUsd(sum((one) => one.costUsd)),
  ];
}

/** A failure for people: what happened to which file, and what to do. */
export function renderFailure(file: string, failure: Failure, color: Colors): string {
  return [
    `${color.red("✗")} ${printableLine(file)}: ${color.bold(failure.type)}: ${printableLine(failure.message)}`,
    `    ${color.dim("remedy:")} ${printableLine(failure.remedy)}`,
  ].join("\n");
}
