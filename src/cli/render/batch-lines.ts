import type { Failure } from "../../contract/failures.ts";
import type { BatchRow } from "../../database/batches.ts";
import type { Colors } from "../output.ts";
import { renderColumns } from "./columns.ts";
import { formatCount, formatTime, plural } from "./format.ts";
import { printableLine, shorten } from "./printable.ts";

/** Documents of a batch that have ended. */
export function endedOf({ counts }: Pick<BatchRow, "counts">): number {
  const { reused, complete, incomplete, failed, cancelled } = counts;
  return reused + complete + incomplete + failed + cancelled;
}

/** Where a batch stands, as one line: `37 of 1,000 ended: 36 complete, 1 failed; 100 under way`. */
export function batchLine(batch: BatchRow): string {
  const { counts, state, waitingFor } = batch;
  const parts = (["complete", "reused", "incomplete", "failed", "cancelled"] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${formatCount(counts[name])} ${name}`);
  const total = `${formatCount(counts.total)}${counts.listed ? "" : " (so far)"}`;
  const ended = `${formatCount(endedOf(batch))} of ${total} ended${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
  const under = counts.underWay > 0 ? `; ${formatCount(counts.underWay)} under way` : "";
  const paused = state === "paused" ? "; paused" : "";
  // What is under way is said already.
  const waits = waitingFor === null || /under way/.test(waitingFor) ? "" : `; waiting for ${printableLine(waitingFor)}`;
  return `${ended}${under}${paused}${waits}`;
}

/** Batches as a table, one a line. */
export function renderBatches(batches: BatchRow[], color: Colors): string {
  const rows = batches.map((batch) => [
    batch.id.slice(0, 8),
    batch.state,
    formatTime(batch.createdAt),
    batch.project,
    `${formatCount(endedOf(batch))}/${formatCount(batch.counts.total)}`,
    batch.counts.failed + batch.counts.incomplete > 0
      ? color.red(formatCount(batch.counts.failed + batch.counts.incomplete))
      : "0",
    shorten(printableLine(batch.source), 60),
  ]);
  const columns = [
    ...[{ title: "batch" }, { title: "state" }, { title: "handed in" }, { title: "project" }],
    ...[{ title: "ended", align: "right" as const }, { title: "failed", align: "right" as const }, { title: "source" }],
  ];
  const [head = "", ...lines] = renderColumns(columns, rows).split("\n");
  return [color.bold(head), ...lines].join("\n");
}

/** One batch in detail. */
export function renderBatch(batch: BatchRow): string {
  const { id, source, project, engine, features, window, priority, createdAt, finishedAt, failure } = batch;
  return [
    `batch     ${id}`,
    `source    ${printableLine(source)}`,
    `project   ${project}, engine ${[engine, ...features].join(", ")}, priority ${priority}`,
    `state     ${batch.state}, window ${plural(window, "document")}`,
    `handed in ${formatTime(createdAt)}${finishedAt === null ? "" : `, ended ${formatTime(finishedAt)}`}`,
    `documents ${batchLine(batch)}`,
    ...(failure === null ? [] : failureLines(failure)),
  ].join("\n");
}

/** Why a batch ended before its time, and what a person can do. */
export function failureLines({ type, message, remedy }: Failure): string[] {
  return [`failure   ${type}: ${printableLine(message)}`, `remedy    ${printableLine(remedy)}`];
}

/** A batch as one JSON object. */
export function batchJson({ bucket, prefix, listedKey, onlyNew, ...batch }: BatchRow): object {
  return batch;
}
