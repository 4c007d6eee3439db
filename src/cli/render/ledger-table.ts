import type { ExpiringEntry } from "../../client/ledger/expiring-results.ts";
import type { LedgerEntry, LedgerTotal } from "../../client/ledger/read-ledger.ts";
import type { Difference } from "../../client/ledger/reconcile.ts";
import type { Colors } from "../output.ts";
import { type Column, renderColumns } from "./columns.ts";
import { formatCount, formatDuration, formatTime, formatUsd } from "./format.ts";
import { printableLine, shorten } from "./printable.ts";

/** Paid attempts as a table, one a line. */
export function renderLedger(entries: LedgerEntry[], color: Colors): string {
  const columns = [
    { title: "document" },
    { title: "name" },
    { title: "attempt", align: "right" as const },
    { title: "region" },
    { title: "features" },
    { title: "state" },
    { title: "pages", align: "right" as const },
    { title: "cost", align: "right" as const },
    { title: "submitted" },
  ];
  const rows = entries.map((entry) => [
    entry.documentId.slice(0, 8),
    shorten(printableLine(entry.fileName ?? ""), 30),
    String(entry.attempt),
    entry.region,
    entry.features.join("+") || "text",
    entry.state === "failed" ? color.red(entry.state) : entry.state,
    entry.pages === null ? "" : formatCount(entry.pages),
    entry.costUsd === null ? "" : formatUsd(entry.costUsd),
    entry.submittedAt === null ? "" : formatTime(entry.submittedAt),
  ]);
  return table(columns, rows, color);
}

/** Paid attempts whose results are not stored, one a line, with how its document stands. */
export function renderExpiring(entries: ExpiringEntry[], color: Colors, now: Date): string {
  const columns = [
    { title: "forgotten in", align: "right" as const },
    { title: "document" },
    { title: "name" },
    { title: "project" },
    { title: "attempt", align: "right" as const },
    { title: "region" },
    { title: "state" },
    { title: "submitted" },
    { title: "document is" },
  ];
  const rows = entries.map((entry) => [
    formatDuration(Math.max(0, entry.expiresAt.getTime() - now.getTime())),
    entry.documentId.slice(0, 8),
    shorten(printableLine(entry.fileName ?? ""), 30),
    entry.project,
    String(entry.attempt),
    entry.region,
    entry.state,
    entry.submittedAt === null ? "" : formatTime(entry.submittedAt),
    entry.underWay ? entry.documentStatus : color.yellow(entry.documentStatus),
  ]);
  return table(columns, rows, color);
}

/** What was paid by month, project and region, and a last line for all of it. */
export function renderTotals(totals: LedgerTotal[], color: Colors): string {
  const right = { align: "right" as const };
  const columns = [
    { title: "month" },
    { title: "project" },
    { title: "region" },
    { title: "jobs", ...right },
    { title: "pages", ...right },
    { title: "cost", ...right },
  ];
  const row = (month: string, project: string, region: string, sums: Omit<LedgerTotal, "month">) =>
    [month, project, region].concat(formatCount(sums.jobs), formatCount(sums.pages), formatUsd(sums.costUsd));
  const all = { project: "", region: "", jobs: 0, pages: 0, costUsd: 0 };
  for (const { jobs, pages, costUsd } of totals) {
    all.jobs += jobs;
    all.pages += pages;
    all.costUsd += costUsd;
  }
  const rows = totals.map((total) => row(total.month, total.project, total.region, total));
  return table(columns, [...rows, row("all", "", "", all)], color);
}

/** How ledger and Textract disagree, one a line. */
export function renderDifference({ kind, documentId, attempt, jobId, detail }: Difference, color: Colors): string {
  const document = documentId === null ? "no document" : `document ${documentId}`;
  const where = attempt === null ? document : `${document}, attempt ${attempt}`;
  const rest = printableLine(`${where}, job ${jobId ?? "unknown"}: ${detail}`);
  return `${color.red(kind.padEnd(12))}  ${rest}`;
}

function table(columns: Column[], rows: string[][], color: Colors): string {
  const [head = "", ...lines] = renderColumns(columns, rows).split("\n");
  return [color.bold(head), ...lines].join("\n");
}
