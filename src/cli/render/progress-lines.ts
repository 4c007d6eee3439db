import type { Colors } from "../output.ts";
import { type FileProgress, hasEnded, type ProgressView, totalsOf } from "../run/progress-view.ts";
import { renderOutage } from "../service-wait.ts";
import { formatCount, formatDuration, plural } from "./format.ts";
import { padColumns, printableLine, shorten } from "./printable.ts";

export interface Screen {
  columns: number;
  rows: number;
  color: Colors;
}

/** The whole progress as one sentence: documents, pages, rate, time left. */
export function renderTotal(view: ProgressView): string {
  const totals = totalsOf(view.files);
  const documents = `${formatCount(totals.ended)} of ${plural(totals.documents, "document")}`;
  const failed = totals.failed > 0 ? ` (${formatCount(totals.failed)} failed)` : "";
  const pages = `${formatCount(totals.pagesDone)} of ${formatCount(totals.pages)}${totals.pagesKnown ? "" : "+"} pages`;
  const parts = [documents + failed, pages];
  if (view.pagesPerMinute !== null) parts.push(`${formatCount(view.pagesPerMinute)} pages/min`);
  if (view.millisecondsLeft !== null && totals.ended < totals.documents) {
    const left = view.millisecondsLeft < 10_000 ? "a few seconds" : `about ${formatDuration(view.millisecondsLeft)}`;
    parts.push(`${left} left`);
  }
  return parts.join(" · ");
}

/** Which service is waited for and for how long. */
export function renderTrouble(trouble: { what: string; since: number }): string {
  return `Nothing is lost: ${renderOutage(trouble)}`;
}

/** What a file is at, in one word or name. */
export function renderState(file: FileProgress): string {
  if (file.state === "started") return file.stage ?? "waiting";
  if (file.state === "handing-in") return "uploading";
  if (file.state === "found") return "waiting";
  return file.state;
}

/** The progress for a terminal: a total with its bar, and as many documents as the screen has lines for. */
export function renderProgress(view: ProgressView, screen: Screen): string[] {
  const { color, columns } = screen;
  const totals = totalsOf(view.files);
  const share = totals.pages > 0 ? totals.pagesDone / totals.pages : totals.ended / Math.max(1, totals.documents);
  const lines = [shorten(renderTotal(view), columns), bar(share, Math.min(columns, 72), color)];
  const space = Math.max(1, screen.rows - lines.length - 4);
  const shown = choose(view.files, space);
  const nameWidth = Math.max(12, Math.min(40, columns - 44));
  for (const file of shown) lines.push(renderFile(file, nameWidth, columns, color));
  if (shown.length < view.files.length) {
    lines.push(color.dim(`  and ${plural(view.files.length - shown.length, "more document")}`));
  }
  if (view.trouble !== null) {
    lines.push(color.yellow(shorten(renderTrouble(view.trouble), columns)));
  }
  return lines;
}

/** All files while they fit; otherwise those in work, in their order, then the latest that ended. */
function choose(files: FileProgress[], space: number): FileProgress[] {
  if (files.length <= space) return files;
  const inWork = files.filter((file) => file.state === "handing-in" || (file.state === "started" && file.stage));
  const chosen = new Set(inWork.toSorted((a, b) => b.pagesDone - a.pagesDone).slice(0, space));
  for (const file of files.filter(hasEnded).toReversed()) {
    if (chosen.size >= space) break;
    chosen.add(file);
  }
  return files.filter((file) => chosen.has(file));
}

function renderFile(file: FileProgress, nameWidth: number, columns: number, color: Colors): string {
  const mark = {
    complete: color.green("✓"),
    reused: color.green("✓"),
    failed: color.red("✗"),
    cancelled: color.red("✗"),
    incomplete: color.red("✗"),
  };
  const symbol = file.state in mark ? mark[file.state as keyof typeof mark] : color.dim("·");
  const name = padColumns(shorten(printableLine(file.name), nameWidth), nameWidth);
  const state = padColumns(renderState(file), 18);
  const pages = file.pages === null ? "" : `${formatCount(file.pagesDone)}/${formatCount(file.pages)}`;
  const used = 2 + nameWidth + 1 + 18 + 1 + 11;
  const rest = columns - used - 2;
  let tail = "";
  if (file.failure !== undefined && rest > 8) tail = color.red(shorten(file.failure.type, rest));
  else if (file.waitingFor !== null && rest > 8) tail = color.yellow(shorten(printableLine(file.waitingFor), rest));
  else if (file.state === "started" && file.pages !== null && file.pages > 1 && rest > 8) {
    tail = bar(file.pagesDone / file.pages, Math.min(rest, 20), color);
  }
  return `${symbol} ${name} ${hasEnded(file) ? color.dim(state) : state} ${padColumns(pages, 11, "right")} ${tail}`.trimEnd();
}

function bar(share: number, width: number, color: Colors): string {
  const filled = Math.round(Math.max(0, Math.min(1, share)) * width);
  return color.cyan("━".repeat(filled)) + color.dim("─".repeat(width - filled));
}
