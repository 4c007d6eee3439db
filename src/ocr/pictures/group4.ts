import { runCodes } from "./group4-codes.ts";

// CCITT group 4 (ITU-T T.6) as far as its codes go: where the black and white runs of each row end. A decoder that meets
// what is no code goes on with whatever it can make of the rest, so that a damaged strip becomes a smear.

/**
 * Rows that must be right before anything is believed: data of another coding (group 3, rows of another length) go wrong
 * at once.
 */
const trialRows = 16;
/** Part of the rows that may be missing at the end of data without an end mark. */
const spareRows = 0.02;
const endOfBlock = 0x001001;
/**
 * Rows may be coded longer than the image is wide, which then has their beginning: as a fax has them, which is also what
 * counts where a PDF tells no other (/Columns), or filled up to whole bytes or words. Pixels.
 */
const usualLength = 1728;
const mostFilling = 128;
/** What is read of the data to try other lengths, all together, at most: about a second. Bits. */
const mostTried = 2 ** 23;

/**
 * Whether group 4 data break off, or say at one place what cannot be, whatever the length of their rows: pdfium does not
 * tell that. False also for what is no group 4 at all, and where there is too much to try.
 */
export function isBrokenGroup4(data: Uint8Array, width: number, height: number): boolean {
  const rows = rightRows(new BitReader(data), width, height);
  if (rows < trialRows || rows === height) return false;
  let room = mostTried;
  for (const length of longerRows(width)) {
    const bits = new BitReader(data);
    if (rightRows(bits, length, height) === height) return false;
    room -= data.length * 8 - bits.left;
    if (room < 0) return false;
  }
  return true;
}

function longerRows(width: number): number[] {
  const filled = Array.from({ length: mostFilling }, (_, i) => width + 1 + i);
  return width < usualLength ? [usualLength, ...filled] : filled;
}

/** How many rows come before the first that cannot be right; the height where all are, as far as the data go. */
function rightRows(bits: BitReader, width: number, height: number): number {
  let above: number[] = [];
  for (let row = 0; row < height; row++) {
    if (bits.peek(24) === endOfBlock) return height;
    const next = readRow(bits, above, width);
    if (next === undefined) return bits.left <= 24 && row >= height * (1 - spareRows) ? height : row;
    above = next;
  }
  return height;
}

/** The places at which a row's colour changes, white first; undefined where its codes cannot be right. */
function readRow(bits: BitReader, above: readonly number[], width: number): number[] | undefined {
  const changes: number[] = [];
  let at = -1;
  let black = false;
  // The first change of the row above, to the other colour, behind `at`.
  let index = 0;
  const add = (place: number) => {
    // A run of no pixels is no change.
    if (changes.at(-1) === place) changes.pop();
    else changes.push(place);
  };
  while (at < width) {
    index = Math.max(0, index - 2);
    while (index < above.length && ((above[index] as number) <= at || isOdd(index) !== black)) index += 1;
    const b1 = above[index] ?? width;
    const mode = modes[bits.peek(7)] as number;
    if (mode === invalid || bits.left <= 0) return undefined;
    bits.skip(mode >> 4);
    const kind = mode & 15;
    if (kind === pass) {
      at = above[index + 1] ?? width;
    } else if (kind === horizontal) {
      const [first, second] = [readRun(bits, black), readRun(bits, !black)];
      if (first === undefined || second === undefined) return undefined;
      const start = Math.max(0, at);
      add(start + first);
      add(start + first + second);
      at = start + first + second;
    } else {
      const place = b1 + kind - vertical;
      if (place < Math.max(0, at)) return undefined;
      add(place);
      at = place;
      black = !black;
    }
    if (at > width) return undefined;
  }
  return changes;
}

function readRun(bits: BitReader, black: boolean): number | undefined {
  const table = black ? runCodes.black : runCodes.white;
  for (let length = 0; ; ) {
    const entry = table[bits.peek(13)] as number;
    if (entry === 0 || bits.left <= 0) return undefined;
    bits.skip(entry & 15);
    const run = entry >> 4;
    length += run;
    if (run < 64) return length;
  }
}

/** Kinds of codes; those of a vertical one lie up to three on both sides of `vertical`. */
const [pass, horizontal, vertical, invalid] = [0, 1, 8, 0];
/** By the next seven bits: the kind, and the length of the code times 16. */
const modes = modeTable({
  "0001": pass,
  "001": horizontal,
  "1": vertical,
  "011": vertical + 1,
  "000011": vertical + 2,
  "0000011": vertical + 3,
  "010": vertical - 1,
  "000010": vertical - 2,
  "0000010": vertical - 3,
});

function modeTable(codes: Record<string, number>): Uint8Array {
  const table = new Uint8Array(128).fill(invalid);
  for (const [code, kind] of Object.entries(codes)) {
    const first = Number.parseInt(code, 2) << (7 - code.length);
    table.fill((code.length << 4) | kind, first, first + (1 << (7 - code.length)));
  }
  return table;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

/** Bits, the highest of a byte first; behind the end all are 0. */
class BitReader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** Bits that are left; below 0 where more were skipped than there are. */
  get left(): number {
    return this.#data.length * 8 - this.#at;
  }

  /** The next bits, at most 24. */
  peek(count: number): number {
    const byte = this.#at >> 3;
    const data = this.#data;
    const word =
      ((data[byte] ?? 0) << 24) | ((data[byte + 1] ?? 0) << 16) | ((data[byte + 2] ?? 0) << 8) | (data[byte + 3] ?? 0);
    return (word << (this.#at & 7)) >>> (32 - count);
  }

  skip(count: number): void {
    this.#at += count;
  }
}
