import type { Box } from "../contract/page.ts";
import type { GreyPicture, PaperMap } from "./picture-analysis.ts";

/** Takes noise out, in place: every pixel becomes the weighted mean (1 2 1) of its neighbourhood of 3 x 3. */
export function smooth({ width, height, grey }: GreyPicture): void {
  let above = grey.slice(0, width);
  let here = grey.slice(0, width);
  for (let y = 0; y < height; y++) {
    const next = Math.min(height - 1, y + 1) * width;
    const below = grey.slice(next, next + width);
    let left = (above[0] as number) + 2 * (here[0] as number) + (below[0] as number);
    let middle = left;
    for (let x = 0; x < width; x++) {
      const i = Math.min(width - 1, x + 1);
      const right = (above[i] as number) + 2 * (here[i] as number) + (below[i] as number);
      grey[y * width + x] = (left + 2 * middle + right + 8) >> 4;
      left = middle;
      middle = right;
    }
    above = here;
    here = below;
  }
}

/** Makes the paper equally white everywhere, in place, and stretches what is printed on it down to black. */
export function evenOut({ width, height, grey }: GreyPicture, paper: PaperMap): void {
  const relative = new Float32Array(width);
  const rowOf = (y: number) => {
    const row = clamp(y / paper.tile - 0.5, 0, paper.rows - 1);
    const upper = Math.floor(row);
    const lower = Math.min(paper.rows - 1, upper + 1);
    for (let x = 0; x < width; x++) {
      const column = clamp(x / paper.tile - 0.5, 0, paper.columns - 1);
      const left = Math.floor(column);
      const right = Math.min(paper.columns - 1, left + 1);
      const value = (r: number, c: number) => paper.values[r * paper.columns + c] as number;
      const [dx, dy] = [column - left, row - upper];
      const top = value(upper, left) * (1 - dx) + value(upper, right) * dx;
      const bottom = value(lower, left) * (1 - dx) + value(lower, right) * dx;
      relative[x] = (grey[y * width + x] as number) / Math.max(1, top * (1 - dy) + bottom * dy);
    }
  };
  const counts = new Uint32Array(257);
  let total = 0;
  for (let y = 0; y < height; y += 16) {
    rowOf(y);
    for (const value of relative) {
      const index = Math.min(256, Math.floor(value * 256));
      counts[index] = (counts[index] as number) + 1;
      total += 1;
    }
  }
  let level = 0;
  for (let seen = 0; level < 204; level++) {
    seen += counts[level] as number;
    if (seen > total / 100) break;
  }
  const ink = level / 256;
  const gain = 255 / (0.97 - ink);
  for (let y = 0; y < height; y++) {
    rowOf(y);
    for (let x = 0; x < width; x++) grey[y * width + x] = clamp(((relative[x] as number) - ink) * gain, 0, 255);
  }
}

/** How a picture was turned before it was recognised, so that places on it can be found on the page again. */
export interface Turn {
  /** Quarter turns, clockwise. */
  quarters: number;
  /** Degrees, anticlockwise, after the quarter turns. */
  straightened: number;
  /** Pixels before and after straightening. */
  before: { width: number; height: number };
  after: { width: number; height: number };
}

/** The size that a picture has when it is turned by some degrees and nothing is cut off. */
export function turnedSize({ width, height }: { width: number; height: number }, degrees: number) {
  const [cos, sin] = [Math.cos(radians(degrees)), Math.abs(Math.sin(radians(degrees)))];
  return { width: Math.ceil(width * cos + height * sin), height: Math.ceil(width * sin + height * cos) };
}

/** Turns a picture anticlockwise by up to 10 degrees around its middle into a larger one; new corners are white. */
export function straighten(from: GreyPicture, degrees: number, to: GreyPicture): void {
  const [cos, sin] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  const { grey, width, height } = from;
  const { grey: turned, width: columns } = to;
  for (let y = 0; y < to.height; y++) {
    const dy = y - to.height / 2;
    const rowX = width / 2 - sin * dy - (cos * columns) / 2;
    const rowY = height / 2 + cos * dy - (sin * columns) / 2;
    const row = y * columns;
    for (let x = 0; x < columns; x++) {
      const sourceX = rowX + cos * x;
      const sourceY = rowY + sin * x;
      const [left, top] = [Math.floor(sourceX), Math.floor(sourceY)];
      if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) {
        turned[row + x] = 255;
        continue;
      }
      const i = top * width + left;
      const [fx, fy] = [sourceX - left, sourceY - top];
      const upper = (grey[i] as number) * (1 - fx) + (grey[i + 1] as number) * fx;
      const lower = (grey[i + width] as number) * (1 - fx) + (grey[i + width + 1] as number) * fx;
      turned[row + x] = upper * (1 - fy) + lower * fy;
    }
  }
}

/** A box (fractions) of the turned picture on the page as displayed: the smallest upright box around its corners. */
export function boxOnPage(box: Box, { quarters, straightened, before, after }: Turn): Box {
  const [cos, sin] = [Math.cos(radians(straightened)), Math.sin(radians(straightened))];
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (const [fx, fy] of [
    [box.left, box.top],
    [box.left + box.width, box.top],
    [box.left, box.top + box.height],
    [box.left + box.width, box.top + box.height],
  ] as const) {
    const [dx, dy] = [(fx - 0.5) * after.width, (fy - 0.5) * after.height];
    let x = (cos * dx - sin * dy) / before.width + 0.5;
    let y = (sin * dx + cos * dy) / before.height + 0.5;
    // Each quarter turn clockwise took the page's left edge to the top.
    for (let quarter = 0; quarter < quarters; quarter++) [x, y] = [y, 1 - x];
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  [left, top, right, bottom] = [clamp(left, 0, 1), clamp(top, 0, 1), clamp(right, 0, 1), clamp(bottom, 0, 1)];
  return { left, top, width: right - left, height: bottom - top };
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
