import stringWidth from "string-width";

/** A column of a table: its title, and on which side its values stand. */
export interface Column {
  title: string;
  align?: "left" | "right";
}

/** A table without lines, columns two spaces apart; wide characters count as what they take. */
export function renderColumns(columns: Column[], rows: string[][]): string {
  const all = [columns.map((column) => column.title), ...rows];
  const widths = all.map((row) => row.map((cell) => stringWidth(cell)));
  // One after the other: there may be more rows than a call takes arguments.
  const widest = columns.map((_, at) => widths.reduce((most, row) => Math.max(most, row[at] ?? 0), 0));
  return all
    .map((row, r) =>
      columns
        .map(({ align }, at) => {
          const cell = row[at] ?? "";
          const space = " ".repeat((widest[at] ?? 0) - (widths[r]?.[at] ?? 0));
          return align === "right" ? space + cell : cell + space;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
