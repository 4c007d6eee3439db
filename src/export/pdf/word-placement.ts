import type { Box, Line } from "../../contract/page.ts";

/** A word's place on the page as displayed, in points from its top left corner. */
export interface PlacedWord {
  text: string;
  /** Where its baseline begins. */
  x: number;
  y: number;
  width: number;
  /** Of the line, so that the words of a line stand on one baseline. */
  height: number;
  /** Width of the space that follows it; null after the last word of a line. */
  space: number | null;
}

/** A line with one direction of writing. */
export interface PlacedLine {
  /** Radians, clockwise from left to right. */
  angle: number;
  words: PlacedWord[];
}

interface WordCenter {
  text: string;
  x: number;
  y: number;
  box: Box;
}

const quarter = Math.PI / 2;
/** Skew below this is a measuring error: half a degree of noise is usual, and nobody sees it. */
const leastSkew = (0.3 * Math.PI) / 180;
/** Lines of at least so many words tell the page's skew. */
const tellingWords = 3;
/** A line is at most so many times as high as its words are in the middle; beyond that a box is wrong. */
const highestLine = 2.5;

/**
 * Where the words of a page stand. Upright boxes do not say how a word is turned, but the row of a line's words does: a
 * line's direction is that of its words, the page's skew the middle of what the longer lines tell.
 *
 * @param width of the page as displayed, points
 * @param height of the page as displayed, points
 */
export function placeLines(lines: readonly Line[], width: number, height: number): PlacedLine[] {
  const rows = lines.map((line) => centers(line, width, height)).filter((row) => row.length > 0);
  const directions = rows.map(direction);
  const skew = pageSkew(rows, directions);
  const usual = usualQuarter(rows, directions);
  return rows.map((row, i) => {
    const own = directions[i];
    const quarters = own === undefined ? usual : Math.round((own - skew) / quarter);
    return placeLine(row, quarters * quarter + skew, skew, quarters, width, height);
  });
}

function centers(line: Line, width: number, height: number): WordCenter[] {
  const words = line.words.length > 0 ? line.words : [line];
  return words
    .filter(({ text, box }) => text.trim() !== "" && box.width > 0 && box.height > 0)
    .map(({ text, box }) => ({
      text: text.trim(),
      x: (box.left + box.width / 2) * width,
      y: (box.top + box.height / 2) * height,
      box: { left: box.left * width, top: box.top * height, width: box.width * width, height: box.height * height },
    }));
}

/** The direction in which a line's words follow each other; undefined for a single word, which tells none. */
function direction(row: readonly WordCenter[]): number | undefined {
  const [first, last] = [row[0], row.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const [x, y] = [last.x - first.x, last.y - first.y];
  const smallest = Math.min(first.box.width, first.box.height, last.box.width, last.box.height);
  if (Math.hypot(x, y) < smallest / 2) return undefined;
  // All words are asked, not the ends alone: the axis along which their centers lie, pointing from first to last.
  const [meanX, meanY] = [mean(row.map((word) => word.x)), mean(row.map((word) => word.y))];
  let [xx, yy, xy] = [0, 0, 0];
  for (const word of row) {
    xx += (word.x - meanX) ** 2;
    yy += (word.y - meanY) ** 2;
    xy += (word.x - meanX) * (word.y - meanY);
  }
  const axis = Math.atan2(2 * xy, xx - yy) / 2;
  const forward = Math.cos(axis) * x + Math.sin(axis) * y >= 0 ? axis : axis + Math.PI;
  // Words of a right-to-left script follow each other to the left and stand upright all the same.
  return isRightToLeft(row.map((word) => word.text).join("")) ? forward + Math.PI : forward;
}

function pageSkew(rows: readonly WordCenter[][], directions: readonly (number | undefined)[]): number {
  const told = rows
    .flatMap((row, i) => {
      const angle = directions[i];
      if (angle === undefined || row.length < tellingWords) return [];
      return { skew: angle - Math.round(angle / quarter) * quarter, weight: row.length };
    })
    .sort((a, b) => a.skew - b.skew);
  const half = told.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let sum = 0;
  const middle = told.find(({ weight }) => {
    sum += weight;
    return sum >= half;
  });
  return middle === undefined || Math.abs(middle.skew) < leastSkew ? 0 : middle.skew;
}

function usualQuarter(rows: readonly WordCenter[][], directions: readonly (number | undefined)[]): number {
  const counts = [0, 0, 0, 0];
  for (const [i, row] of rows.entries()) {
    const angle = directions[i];
    if (angle === undefined) continue;
    const quarters = ((Math.round(angle / quarter) % 4) + 4) % 4;
    counts[quarters] = (counts[quarters] ?? 0) + row.length;
  }
  return counts.indexOf(Math.max(...counts));
}

function placeLine(
  row: readonly WordCenter[],
  angle: number,
  skew: number,
  quarters: number,
  width: number,
  height: number,
): PlacedLine {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const spans = row.map((word) => {
    const size = unskewed(word.box, skew, quarters % 2 !== 0);
    // Along the line, and across it (downwards).
    const [along, across] = [cos * word.x + sin * word.y, cos * word.y - sin * word.x];
    return {
      text: word.text,
      start: along - size.width / 2,
      end: along + size.width / 2,
      top: across - size.height / 2,
      bottom: across + size.height / 2,
    };
  });
  const middle = mean(spans.map(({ top, bottom }) => bottom - top));
  const [top, bottom] = [Math.min(...spans.map((span) => span.top)), Math.max(...spans.map((span) => span.bottom))];
  const shared = bottom - top <= highestLine * middle;
  return {
    angle,
    words: spans.map((span, i) => {
      const own = shared ? { top, bottom } : span;
      const next = spans[i + 1];
      const limit = 10 * Math.max(width, height);
      return {
        text: span.text,
        x: cos * span.start - sin * own.bottom,
        y: sin * span.start + cos * own.bottom,
        width: Math.min(limit, Math.max(0.1, span.end - span.start)),
        height: Math.min(limit, Math.max(0.5, own.bottom - own.top)),
        space: next === undefined ? null : Math.max(0.01, next.start - span.end),
      };
    }),
  };
}

/** The size of a word whose upright box is known, and by how much it is turned. */
function unskewed(box: Box, skew: number, sideways: boolean): { width: number; height: number } {
  const [along, across] = sideways ? [box.height, box.width] : [box.width, box.height];
  const [cos, sin] = [Math.cos(skew), Math.abs(Math.sin(skew))];
  const determinant = cos * cos - sin * sin;
  if (skew === 0 || determinant < 0.1) return { width: along, height: across };
  const [width, height] = [(along * cos - across * sin) / determinant, (across * cos - along * sin) / determinant];
  // Boxes are not exact: what is left of a long word's height may be next to nothing.
  return { width: Math.max(width, along / 2), height: Math.max(height, across / 4, Math.min(across, 4)) };
}

/** Hebrew, Arabic and their relatives make up most of the letters. */
export function isRightToLeft(text: string): boolean {
  const letters = text.match(/\p{L}/gu) ?? [];
  const right = text.match(/[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/gu) ?? [];
  return right.length * 2 > letters.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
