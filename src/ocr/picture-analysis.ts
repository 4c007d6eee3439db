/** A grey picture: one byte a pixel, row after row, 0 black to 255 white. */
export interface GreyPicture {
  width: number;
  height: number;
  grey: Uint8Array;
}

/** What is measured of a picture before it is recognised. */
export interface PictureAnalysis {
  /** Nothing on it, or nothing that differs from the paper. */
  blank: boolean;
  /** Standard deviation of its noise, grey values; the print itself counts for up to 4. */
  noise: number;
  /** Grey value of the paper, tile by tile. */
  paper: PaperMap;
  /** Differences of the paper's brightness over the page, as a part (0-1) of the difference between paper and ink. */
  unevenness: number;
  /** Degrees, clockwise, that the lines of text are turned by; -10 to 10. */
  skew: number;
  /** Whether the lines of text run up or down the page. */
  sideways: boolean;
}

/** The brightness of the paper, in square tiles. */
export interface PaperMap {
  /** Pixels a side. */
  tile: number;
  columns: number;
  rows: number;
  values: Float32Array;
}

/** Grey values between the darkest and the lightest pixel of a page with nothing on it. */
const blankContrast = 16;
/** The picture is looked at no larger than this, pixels a side. */
const overviewSide = 1000;
const largestSkew = 10;
/** Marks that the skew is first looked for with; a page of small print has ten times as many. */
const sampledMarks = 10_000;
/** Columns of text that is upright are less alike than its rows by more than this factor. */
const sidewaysFactor = 1.5;
const tilesAcross = 40;

/** Measures a picture; some 60 ms of processor time for 8 megapixels. */
export function analyzePicture(picture: GreyPicture): PictureAnalysis {
  const counts = new Int32Array(256);
  const paper = paperOf(picture, counts);
  const [darkest, lightest, ink] = levels(counts, paper);
  const sorted = Float32Array.from(paper.values).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 255;
  const unevenness = (at(0.95) - at(0.05)) / Math.max(1, at(0.5) - ink);
  const marks = marksOf(picture, paper);
  const rows = bestSkew(marks.x, marks.y);
  const columns = bestSkew(marks.y, marks.x);
  const sideways = marks.x.length > 200 && columns.sharpness > sidewaysFactor * rows.sharpness;
  return {
    blank: lightest - darkest <= blankContrast,
    noise: noiseOf(picture),
    paper,
    unevenness,
    // Down the page the same turn is seen from the other side.
    skew: marks.x.length <= 200 ? 0 : sideways ? -columns.degrees : rows.degrees,
    sideways,
  };
}

/** The darkest and the lightest pixel, and the ink: as dark as the darkest thousandth. */
function levels(counts: Int32Array, { values }: PaperMap): [number, number, number] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const darkest = counts.findIndex((count) => count > 0);
  const lightest = counts.findLastIndex((count) => count > 0);
  let ink = 0;
  for (let seen = 0; ink < 255; ink++) {
    seen += counts[ink] as number;
    if (seen > total / 1000) break;
  }
  return [darkest, lightest, Math.min(ink, Math.max(...values))];
}

/** Immerkaer's estimate (1996): what is left when lines and slopes are taken away, at every third place of each seventh row. */
function noiseOf({ width, height, grey }: GreyPicture): number {
  let sum = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y += 7) {
    const end = (y + 1) * width - 1;
    for (let i = y * width + 1; i < end; i += 3) {
      const [above, below] = [i - width, i + width];
      const corners = at(above - 1) + at(above + 1) + at(below - 1) + at(below + 1);
      const sides = at(above) + at(i - 1) + at(i + 1) + at(below);
      sum += Math.abs(corners - 2 * sides + 4 * at(i));
      count += 1;
    }
  }
  function at(index: number): number {
    return grey[index] as number;
  }
  return count === 0 ? 0 : (Math.sqrt(Math.PI / 2) * sum) / (6 * count);
}

/**
 * The upper quartile of each tile, spread and smoothed; a tile much darker than the page is print and no paper. Every
 * second pixel of each fourth row is looked at.
 * @param all takes how many of those have each grey value
 */
function paperOf({ width, height, grey }: GreyPicture, all: Int32Array): PaperMap {
  const tile = Math.max(16, Math.ceil(Math.max(width, height) / tilesAcross));
  const [columns, rows] = [Math.ceil(width / tile), Math.ceil(height / tile)];
  const quartiles = new Float32Array(columns * rows);
  const counts = new Int32Array(256);
  for (let t = 0; t < quartiles.length; t++) {
    counts.fill(0);
    const [left, top] = [(t % columns) * tile, Math.floor(t / columns) * tile];
    let total = 0;
    const [right, bottom] = [Math.min(width, left + tile), Math.min(height, top + tile)];
    for (let y = top; y < bottom; y += 4) {
      const end = y * width + right;
      for (let i = y * width + left; i < end; i += 2) {
        const value = grey[i] as number;
        counts[value] = (counts[value] as number) + 1;
        total += 1;
      }
    }
    for (let value = 0; value < 256; value++) all[value] = (all[value] as number) + (counts[value] as number);
    let value = 255;
    for (let seen = 0; value > 0; value--) {
      seen += counts[value] as number;
      if (seen > total / 4) break;
    }
    quartiles[t] = value;
  }
  const median = Float32Array.from(quartiles).sort()[quartiles.length >> 1] ?? 255;
  const known = quartiles.map((value) => (value < 0.5 * median ? median : value));
  const spread = neighbourhoods(known, columns, rows, (values) => Math.max(...values));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { tile, columns, rows, values: neighbourhoods(spread, columns, rows, mean) };
}

function neighbourhoods(
  values: Float32Array,
  columns: number,
  rows: number,
  combine: (values: number[]) => number,
): Float32Array {
  return values.map((_, index) => {
    const [x, y] = [index % columns, Math.floor(index / columns)];
    const near: number[] = [];
    for (let j = Math.max(0, y - 1); j <= Math.min(rows - 1, y + 1); j++) {
      for (let i = Math.max(0, x - 1); i <= Math.min(columns - 1, x + 1); i++)
        near.push(values[j * columns + i] as number);
    }
    return combine(near);
  });
}

/** Where something is printed, on a coarse grid, by every second row of its cells; rules and frames are left out, for they have directions of their own. */
function marksOf(picture: GreyPicture, paper: PaperMap): { x: Float32Array; y: Float32Array } {
  const step = Math.max(1, Math.ceil(Math.max(picture.width, picture.height) / overviewSide));
  const [columns, rows] = [Math.floor(picture.width / step), Math.floor(picture.height / step)];
  const dark = new Uint8Array(columns * rows);
  const sums = new Int32Array(columns);
  const { grey, width } = picture;
  const looked = Math.ceil(step / 2) * step;
  for (let y = 0; y < rows; y++) {
    sums.fill(0);
    for (let j = 0; j < step; j += 2) {
      let i = (y * step + j) * width;
      for (let x = 0; x < columns; x++) {
        let sum = 0;
        for (const end = i + step; i < end; i++) sum += grey[i] as number;
        sums[x] = (sums[x] as number) + sum;
      }
    }
    const row = Math.min(paper.rows - 1, Math.floor((y * step) / paper.tile)) * paper.columns;
    for (let x = 0; x < columns; x++) {
      const column = Math.min(paper.columns - 1, Math.floor((x * step) / paper.tile));
      const white = paper.values[row + column] as number;
      if ((sums[x] as number) < 0.8 * white * looked) dark[y * columns + x] = 1;
    }
  }
  const longest = Math.ceil(overviewSide / 20);
  eraseRuns(dark, columns, rows, 1, columns, longest);
  eraseRuns(dark, rows, columns, columns, 1, longest);
  const count = dark.reduce((sum, mark) => sum + (mark === 1 ? 1 : 0), 0);
  const [xs, ys] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0, at = 0; i < dark.length; i++) {
    if (dark[i] !== 1) continue;
    xs[at] = i % columns;
    ys[at] = Math.floor(i / columns);
    at += 1;
  }
  return { x: xs, y: ys };
}

/** Marks runs that are longer than any letter with 2. */
function eraseRuns(
  dark: Uint8Array,
  length: number,
  lines: number,
  step: number,
  lineStep: number,
  longest: number,
): void {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; ) {
      let end = i;
      while (end < length && dark[line * lineStep + end * step] !== 0) end += 1;
      if (end - i > longest) for (let k = i; k < end; k++) dark[line * lineStep + k * step] = 2;
      i = end + 1;
    }
  }
}

/** The angle at which the marks fall into the sharpest rows: coarsely and on some of them first, then finely on all. */
function bestSkew(along: Float32Array, across: Float32Array): { degrees: number; sharpness: number } {
  const every = Math.ceil(along.length / sampledMarks);
  const coarse = sharpest(sample(along, every), sample(across, every), -largestSkew, largestSkew, 0.5);
  const fine = sharpest(along, across, coarse.degrees - 0.4, coarse.degrees + 0.4, 0.1);
  // No turn at all unless another is better.
  const level = sharpness(along, across, 0);
  return fine.sharpness > level ? fine : { degrees: 0, sharpness: level };
}

function sharpest(along: Float32Array, across: Float32Array, from: number, to: number, step: number) {
  let best = { degrees: 0, sharpness: -1 };
  for (let degrees = from; degrees <= to + 1e-9; degrees += step) {
    const value = sharpness(along, across, degrees);
    if (value > best.sharpness) best = { degrees, sharpness: value };
  }
  return best;
}

function sample(values: Float32Array, every: number): Float32Array {
  return every <= 1
    ? values
    : Float32Array.from({ length: Math.floor(values.length / every) }, (_, i) => values[i * every] as number);
}

/** How much the number of marks differs from row to row, squared, when rows run at an angle. */
function sharpness(along: Float32Array, across: Float32Array, degrees: number): number {
  const slope = Math.tan((degrees * Math.PI) / 180);
  const shift = 2 * overviewSide;
  const counts = new Int32Array(2 * shift + overviewSide);
  for (let i = 0; i < along.length; i++) {
    const row = (shift + 0.5 + (across[i] as number) - slope * (along[i] as number)) | 0;
    counts[row] = (counts[row] as number) + 1;
  }
  let sum = 0;
  for (let i = 1; i < counts.length; i++) {
    const difference = (counts[i] as number) - (counts[i - 1] as number);
    sum += difference * difference;
  }
  return sum;
}
