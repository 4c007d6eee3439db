import type { DocumentRecord } from "../../client/read-documents.ts";
import type { Colors } from "../output.ts";
import { renderColumns } from "./columns.ts";
import { formatCount, formatTime } from "./format.ts";
import { printableLine, shorten } from "./printable.ts";

/** Documents as a table, one a line. */
export function renderStatusTable(records: DocumentRecord[], stages: Map<string, string>, color: Colors): string {
  const rows = records.map((record) => [
    record.documentId.slice(0, 8),
    shorten(printableLine(record.fileName ?? record.location), 40),
    record.project,
    statusOf(record, stages, color),
    pagesOf(record),
    record.engine,
    formatTime(record.receivedAt),
  ]);
  const titles = ["id", "document", "project", "status", "pages", "engine", "received"];
  const columns = titles.map((title) => ({ title, align: title === "pages" ? ("right" as const) : ("left" as const) }));
  const [head = "", ...lines] = renderColumns(columns, rows).split("\n");
  return [color.bold(head), ...lines].join("\n");
}

function statusOf(record: DocumentRecord, stages: Map<string, string>, color: Colors): string {
  if (record.failure !== null) return color.red(`${record.status}: ${record.failure.type}`);
  const stage = stages.get(record.documentId);
  return stage === undefined || record.status === "complete" ? record.status : `${record.status}: ${stage}`;
}

function pagesOf(record: DocumentRecord): string {
  if (record.pages === null) return "";
  const stored = record.storedPages ?? 0;
  return stored === record.pages ? formatCount(stored) : `${formatCount(stored)}/${formatCount(record.pages)}`;
}

/** `12 documents: 9 complete, 2 processing, 1 failed`. */
export function renderCounts(counts: Map<string, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const order = ["complete", "processing", "received", "incomplete", "failed", "cancelled"];
  const parts = order.filter((status) => counts.has(status)).map((s) => `${formatCount(counts.get(s) ?? 0)} ${s}`);
  const noun = total === 1 ? "document" : "documents";
  return `${formatCount(total)} ${noun}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}
