import Table from "cli-table3";

/** A column of a table: its title, and on which side its values stand. */
export interface Column {
  title: string;
  align?: "left" | "right";
}

const noLines = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
    .map((name) => [name, ""]),
);

/** A table without lines, columns two spaces apart; wide characters count as what they take. */
export function renderColumns(columns: Column[], rows: string[][]): string {
  const table = new Table({
    chars: { ...noLines, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: columns.map((column) => column.align ?? "left"),
  });
  table.push(
    columns.map((column) => column.title),
    ...rows,
  );
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
