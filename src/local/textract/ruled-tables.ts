import type { Rule } from "../../contract/page.ts";

/** Strokes this far apart, in fractions of the page, are one: the two edges of a thin border, a rounded corner. */
const near = 0.006;
/** Places of the largest grid that is taken for a table. */
const mostPlaces = 10_000;

/** A rectangle of places of a grid that no stroke divides. */
export interface RuledCell {
  /** 1-based. */
  row: number;
  column: number;
  rowSpan: number;
  columnSpan: number;
}

/** A grid of strokes with two places or more. */
export interface RuledTable {
  /** Where its lines are, ascending, in fractions of the page: one more than it has columns and rows. */
  x: number[];
  y: number[];
  cells: RuledCell[];
}

/** The grids that strokes make where they touch, from the top of the page to its bottom. */
export function findRuledTables(rules: readonly Rule[]): RuledTable[] {
  return touchingGroups(rules)
    .flatMap((group) => toTable(group) ?? [])
    .sort((a, b) => (a.y[0] ?? 0) - (b.y[0] ?? 0) || (a.x[0] ?? 0) - (b.x[0] ?? 0));
}

function touchingGroups(rules: readonly Rule[]): Rule[][] {
  const groups: Rule[][] = [];
  const left = new Set(rules);
  for (const first of rules) {
    if (!left.delete(first)) continue;
    const group = [first];
    for (const rule of group) {
      for (const other of left) {
        if (!touch(rule, other)) continue;
        left.delete(other);
        group.push(other);
      }
    }
    groups.push(group);
  }
  return groups;
}

function touch(a: Rule, b: Rule): boolean {
  if (a.direction === b.direction) {
    return Math.abs(a.at - b.at) <= near && a.from - near <= b.to && b.from - near <= a.to;
  }
  return reaches(a, b.at) && reaches(b, a.at);
}

function reaches(rule: Rule, place: number): boolean {
  return place >= rule.from - near && place <= rule.to + near;
}

function toTable(group: readonly Rule[]): RuledTable | null {
  const horizontal = group.filter(({ direction }) => direction === "horizontal");
  const vertical = group.filter(({ direction }) => direction === "vertical");
  const x = distinct(vertical.map(({ at }) => at));
  const y = distinct(horizontal.map(({ at }) => at));
  const places = (x.length - 1) * (y.length - 1);
  if (x.length < 2 || y.length < 2 || places < 2 || places > mostPlaces) return null;
  const cells = cellsOf(x, y, horizontal, vertical);
  // A frame that nothing divides is no table, whatever strokes stand about it.
  return cells.length < 2 ? null : { x, y, cells };
}

function distinct(values: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.filter((value, at) => at === 0 || value - (sorted[at - 1] ?? 0) > near);
}

/** Places joined to the right as long as no stroke is between them, then downwards as long as none is below any. */
function cellsOf(x: number[], y: number[], horizontal: Rule[], vertical: Rule[]): RuledCell[] {
  const [columns, rows] = [x.length - 1, y.length - 1];
  const middle = (lines: number[], at: number) => ((lines[at] ?? 0) + (lines[at + 1] ?? 0)) / 2;
  const strokeAt = (strokes: Rule[], place: number, along: number) =>
    strokes.some((rule) => Math.abs(rule.at - place) <= near && rule.from <= along && rule.to >= along);
  const dividedRight = (row: number, column: number) => strokeAt(vertical, x[column + 1] ?? 0, middle(y, row));
  const dividedBelow = (row: number, column: number) => strokeAt(horizontal, y[row + 1] ?? 0, middle(x, column));
  const taken = Array.from({ length: rows }, () => Array<boolean>(columns).fill(false));
  const cells: RuledCell[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (taken[row]?.[column]) continue;
      let columnSpan = 1;
      while (
        column + columnSpan < columns &&
        !taken[row]?.[column + columnSpan] &&
        !dividedRight(row, column + columnSpan - 1)
      ) {
        columnSpan++;
      }
      const across = Array.from({ length: columnSpan }, (_, i) => column + i);
      let rowSpan = 1;
      while (row + rowSpan < rows && across.every((at) => !dividedBelow(row + rowSpan - 1, at))) rowSpan++;
      for (let i = row; i < row + rowSpan; i++) for (const at of across) (taken[i] ?? [])[at] = true;
      cells.push({ row: row + 1, column: column + 1, rowSpan, columnSpan });
    }
  }
  return cells;
}
