import { inflatePng } from "./png-data.ts";
import { bitsPerPixel, type PngHeader, pngChannels, pngColour } from "./png-header.ts";

/** First column and row, and the steps, of each pass (ISO/IEC 15948, 8.2); one pass when not interlaced. */
const adam7: readonly (readonly [number, number, number, number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * Decodes a PNG to grey bytes on white paper; two rows and the result are all that is in memory. A picture with more
 * than `maxPixels` becomes one of square means. One that was cut off stays white where its rows are
 * missing, and is not `whole`.
 * @throws {DocketError} `Corrupt` when the data are no zlib stream
 */
export async function decodePngToGrey(
  header: PngHeader,
  name: string,
  maxPixels: number,
): Promise<{ width: number; height: number; grey: Uint8Array; whole: boolean }> {
  const { width, height, interlaced } = header;
  const canvas = new Canvas(width, height, Math.ceil(Math.sqrt((width * height) / maxPixels)));
  const pixelBits = bitsPerPixel(header);
  const pixelBytes = Math.max(1, pixelBits >> 3);
  const rows = rowsOf(interlaced ? adam7 : [[0, 0, 1, 1]], width, height);
  let target = rows.next();
  let row = Buffer.alloc(0);
  let above = Buffer.alloc(0);
  let filled = 0;
  const startRow = () => {
    while (!target.done && target.value.count === 0) target = rows.next();
    if (target.done) return;
    const bytes = 1 + Math.ceil((target.value.count * pixelBits) / 8);
    above = target.value.firstOfPass ? Buffer.alloc(bytes) : row;
    row = Buffer.alloc(bytes);
    filled = 0;
  };
  startRow();
  await inflatePng(header, name, (chunk) => {
    for (let at = 0; at < chunk.length && !target.done; ) {
      const taken = chunk.copy(row, filled, at, Math.min(chunk.length, at + row.length - filled));
      at += taken;
      filled += taken;
      if (filled < row.length) break;
      unfilter(row, above, pixelBytes);
      paint(header, row, target.value, canvas);
      target = rows.next();
      startRow();
    }
  });
  return { ...canvas.finish(), whole: target.done === true };
}

/** The picture that is painted: with a step above 1, the mean of every square of so many pixels a side. */
class Canvas {
  readonly #width: number;
  readonly #height: number;
  readonly #step: number;
  readonly #columns: number;
  readonly #rows: number;
  /** How much darker than white, in all of a square; 16 bits hold that of 16 x 16 pixels. */
  readonly #darkness: Uint8Array | Uint16Array;

  constructor(width: number, height: number, step: number) {
    this.#width = width;
    this.#height = height;
    this.#step = step;
    this.#columns = Math.ceil(width / step);
    this.#rows = Math.ceil(height / step);
    const squares = this.#columns * this.#rows;
    this.#darkness = step === 1 ? new Uint8Array(squares) : new Uint16Array(squares);
  }

  add(x: number, y: number, grey: number): void {
    const step = this.#step;
    const at = step === 1 ? y * this.#width + x : Math.floor(y / step) * this.#columns + Math.floor(x / step);
    this.#darkness[at] = (this.#darkness[at] as number) + (255 - grey);
  }

  /** The canvas cannot be used any more. */
  finish(): { width: number; height: number; grey: Uint8Array } {
    const [columns, rows, step] = [this.#columns, this.#rows, this.#step];
    const grey = this.#darkness instanceof Uint8Array ? this.#darkness : new Uint8Array(columns * rows);
    for (let row = 0; row < rows; row++) {
      const tall = Math.min(step, this.#height - row * step);
      for (let column = 0; column < columns; column++) {
        const pixels = tall * Math.min(step, this.#width - column * step);
        const at = row * columns + column;
        grey[at] = 255 - (this.#darkness[at] as number) / pixels;
      }
    }
    return { width: columns, height: rows, grey };
  }
}

interface Row {
  y: number;
  x: number;
  step: number;
  /** Pixels. */
  count: number;
  firstOfPass: boolean;
}

function* rowsOf(passes: typeof adam7, width: number, height: number): Generator<Row, undefined> {
  for (const [x, top, step, rowStep] of passes) {
    const count = Math.max(0, Math.ceil((width - x) / step));
    for (let y = top; y < height; y += rowStep) yield { y, x, step, count, firstOfPass: y === top };
  }
  return undefined;
}

/** Undoes a row's prediction in place (ISO/IEC 15948, 9.2); the first byte names it. */
function unfilter(row: Buffer, above: Buffer, pixelBytes: number): void {
  const kind = row[0];
  if (kind === 0) return;
  for (let i = 1; i < row.length; i++) {
    const left = i > pixelBytes ? (row[i - pixelBytes] as number) : 0;
    const up = above[i] as number;
    const corner = i > pixelBytes ? (above[i - pixelBytes] as number) : 0;
    const predicted =
      kind === 1 ? left : kind === 2 ? up : kind === 3 ? (left + up) >> 1 : kind === 4 ? paeth(left, up, corner) : 0;
    row[i] = (row[i] as number) + predicted;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [byLeft, byUp, byCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

function paint(
  { bitDepth, colourType, palette, transparent }: PngHeader,
  row: Buffer,
  target: Row,
  canvas: Canvas,
): void {
  const perPixel = pngChannels[colourType] ?? 1;
  const largest = 2 ** Math.min(8, bitDepth) - 1;
  // Of 16 bits the upper eight are enough.
  const sample = (index: number) => {
    if (bitDepth >= 8) return row[1 + index * (bitDepth >> 3)] as number;
    const bit = index * bitDepth;
    return ((row[1 + (bit >> 3)] as number) >> (8 - bitDepth - (bit & 7))) & largest;
  };
  const whole = (index: number) => (bitDepth === 16 ? row.readUInt16BE(1 + index * 2) : sample(index));
  for (let i = 0; i < target.count; i++) {
    const at = i * perPixel;
    let value: number;
    if (transparent?.every((part, k) => whole(at + k) === part)) {
      value = 255;
    } else if (colourType === pngColour.palette) {
      const entry = sample(at) * 3;
      value = luminance(palette[entry] ?? 0, palette[entry + 1] ?? 0, palette[entry + 2] ?? 0);
    } else if (perPixel >= 3) {
      value = luminance(sample(at), sample(at + 1), sample(at + 2));
    } else {
      value = (sample(at) * 255) / largest;
    }
    if (perPixel === 2 || perPixel === 4) value = 255 - ((255 - value) * sample(at + perPixel - 1)) / 255;
    canvas.add(target.x + i * target.step, target.y, value);
  }
}

function luminance(red: number, green: number, blue: number): number {
  return (red * 77 + green * 150 + blue * 29) >> 8;
}
