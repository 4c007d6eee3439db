import type { DocumentRecord, readHistory } from "../../client/read-documents.ts";
import type { Colors } from "../output.ts";
import { formatCount, formatDuration, formatTime, formatUsd, pageList } from "./format.ts";
import { printableLine } from "./printable.ts";

/** Where a document's workflow stands now. */
export interface LiveStage {
  stage: string | null;
  waitingFor: string | null;
}

type History = Awaited<ReturnType<typeof readHistory>>;

/** Everything about one document on one screen: what it is, where it stands, what was paid, what happened. */
export function renderDetail(record: DocumentRecord, history: History, live: LiveStage | null, color: Colors): string {
  const lines: string[] = [color.bold(printableLine(record.fileName ?? record.location))];
  const field = (name: string, value: string | null) => {
    if (value !== null) lines.push(`${color.dim(name.padEnd(11))} ${printableLine(value)}`);
  };
  field("id", record.documentId);
  field("project", record.project);
  field("object", record.location);
  field("status", record.status);
  field("stage", live?.stage ?? null);
  field("waiting for", live?.waitingFor ?? null);
  field("engine", [record.engine, ...record.features].join(", "));
  field("pages", pagesOf(record));
  field("characters", record.characters === null ? null : formatCount(record.characters));
  field("confidence", record.meanConfidence === null ? null : record.meanConfidence.toFixed(1));
  field("cost", formatUsd(record.costUsd));
  field("received", formatTime(record.receivedAt));
  field("finished", record.finishedAt === null ? null : finishedOf(record));
  if (record.failure !== null) {
    lines.push(
      `${color.red("failure".padEnd(11))} ${color.bold(record.failure.type)}: ${printableLine(record.failure.message)}`,
    );
    field("remedy", record.failure.remedy);
    for (const [warning, pages] of missingByWarning(record)) field("missing", `${pageList(pages)}${warning}`);
  }
  if (history.jobs.length > 0) lines.push("", color.bold("Textract jobs"));
  for (const job of history.jobs) {
    const facts = [
      `attempt ${job.attempt}`,
      job.pageNumbers.length === 0 ? null : pageList(job.pageNumbers),
      job.state,
      job.jobId ?? "not taken yet",
      job.region,
      job.pages === null ? null : `${formatCount(job.pages)} pages`,
      job.costUsd === null ? null : formatUsd(job.costUsd),
      job.statusMessage,
    ];
    lines.push(`  ${printableLine(facts.filter((fact) => fact !== null).join("  "))}`);
  }
  if (history.events.length > 0) lines.push("", color.bold("Events"));
  for (const event of history.events) {
    const detail = JSON.stringify(event.detail);
    lines.push(
      `  ${formatTime(event.at)}  ${event.kind}${detail === "{}" ? "" : color.dim(`  ${printableLine(detail)}`)}`,
    );
  }
  return lines.join("\n");
}

function pagesOf(record: DocumentRecord): string | null {
  if (record.pages === null) return null;
  return `${formatCount(record.storedPages ?? 0)} of ${formatCount(record.pages)} stored`;
}

/** Pages that an incomplete document lacks, by what Textract said of them. */
function missingByWarning(record: DocumentRecord): Map<string, number[]> {
  const pages = new Map<string, number[]>();
  for (const { page, warning } of record.failure?.missingPages ?? []) {
    const key = warning === null ? "" : ` (${warning})`;
    pages.set(key, [...(pages.get(key) ?? []), page]);
  }
  return pages;
}

function finishedOf(record: DocumentRecord): string | null {
  if (record.finishedAt === null) return null;
  const took =
    record.startedAt === null ? "" : ` (${formatDuration(record.finishedAt.getTime() - record.startedAt.getTime())})`;
  return formatTime(record.finishedAt) + took;
}
