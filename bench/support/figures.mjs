import { cpus, loadavg, totalmem } from "node:os";
import { renderColumns } from "#docket/cli/render/columns";

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** What a figure was measured on. */
export function machine() {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} x ${cpus()[0]?.model.trim()}, ${memory}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`;
}

/**
 * Prints rows as a table.
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
export function printTable(head, rows) {
  const columns = head.map((title) => ({ title }));
  console.log(
    renderColumns(
      columns,
      rows.map((row) => row.map(String)),
    ),
  );
}
