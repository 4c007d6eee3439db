/** A table's row as RFC 4180 has it, its line end included. */
export function csvRow(cells: readonly (string | number | null)[]): string {
  return `${cells.map((cell) => csvCell(cell)).join(",")}\r\n`;
}

/**
 * A cell that a spreadsheet takes for text, whatever the document says: one that would begin a formula gets an
 * apostrophe before it. Numbers and amounts with a sign stay what they are.
 */
function csvCell(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = beginsFormula(cell) ? `'${cell}` : cell;
  return /[",;\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Full-width forms of the signs begin a formula too, and so does what follows blanks.
function beginsFormula(text: string): boolean {
  return /^[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(text) && !/^[+-]?[$€£¥]?\d[\d.,' ]*%?$/.test(text);
}
