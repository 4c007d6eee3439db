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
export function evenOut(picture: GreyPicture, paper: PaperMap): void {
  const { width, height, grey } = picture;
  const paperAt = paperRows(picture, paper);
  const counts = new Int32Array(257);
  let total = 0;
  for (let y = 0; y < height; y += 16) {
    const white = paperAt(y);
    for (let x = 0; x < width; x++) {
      const index = Math.min(256, ((256 * (grey[y * width + x] as number)) / (white[x] as number)) | 0);
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
    const white = paperAt(y);
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const value = ((grey[row + x] as number) / (white[x] as number) - ink) * gain;
      grey[row + x] = value <= 0 ? 0 : value >= 255 ? 255 : value | 0;
    }
  }
}

/** The brightness of the paper at each pixel of a row, at least 1; the array is used again for the next row. */
function paperRows({ width }: GreyPicture, { tile, columns, rows, values }: PaperMap): (y: number) => Float64Array {
  const ofColumns = new Float64Array(columns);
  const ofPixels = new Float64Array(width);
  return (y) => {
    const row = clamp(y / tile - 0.5, 0, rows - 1);
    const upper = Math.floor(row);
    const lower = Math.min(rows - 1, upper + 1);
    const dy = row - upper;
    for (let c = 0; c < columns; c++) {
      const [above, below] = [values[upper * columns + c] as number, values[lower * columns + c] as number];
      ofColumns[c] = Math.max(1, above * (1 - dy) + below * dy);
    }
    // Half a tile at each edge has no neighbour; between the middles of two tiles the paper is on the line between them.
    const first = Math.min(width, Math.ceil(tile / 2));
    ofPixels.fill(ofColumns[0] as number, 0, first);
    let x = first;
    for (let c = 0; c + 1 < columns; c++) {
      const [left, right] = [ofColumns[c] as number, ofColumns[c + 1] as number];
      const end = Math.min(width, Math.ceil((c + 1.5) * tile));
      for (; x < end; x++) ofPixels[x] = left + (right - left) * (x / tile - 0.5 - c);
    }
    ofPixels.fill(ofColumns[columns - 1] as number, x);
    return ofPixels;
  };
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
  // Places are whole numbers of 256th parts of a pixel: 8 million pixels a side fit 32 bits.
  const bits = 8;
  const unit = 1 << bits;
  const mask = unit - 1;
  const [stepX, stepY] = [unit * cos, unit * sin];
  for (let y = 0; y < to.height; y++) {
    const dy = y - to.height / 2;
    const rowX = unit * (width / 2 - sin * dy - (cos * columns) / 2);
    const rowY = unit * (height / 2 + cos * dy - (sin * columns) / 2);
    const row = y * columns;
    for (let x = 0; x < columns; x++) {
      const [sourceX, sourceY] = [(rowX + stepX * x) | 0, (rowY + stepY * x) | 0];
      const [left, top] = [sourceX >> bits, sourceY >> bits];
      if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) {
        turned[row + x] = 255;
        continue;
      }
      const i = top * width + left;
      const [fx, fy] = [sourceX & mask, sourceY & mask];
      const upper = (grey[i] as number) * (unit - fx) + (grey[i + 1] as number) * fx;
      const lower = (grey[i + width] as number) * (unit - fx) + (grey[i + width + 1] as number) * fx;
      turned[row + x] = (upper * (unit - fy) + lower * fy) >> (2 * bits);
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
