import type { Box } from "../contract/page.ts";

/** Squares along each side of a page: finer than any image that matters for how much of the page is a scan. */
const side = 128;
/** Share of the page from which on an image may hold text that matters; letterheads' signs measure 0.005 to 0.02. */
const leastPicture = 0.03;
/** An image that has this many characters on it, or so many for its share of a page, has its text in the layer. */
const charactersOfText = 200;
const charactersOfAPage = 400;

/**
 * Where a page is covered by images, all of them together: scanners and fax servers store one page as many strips, and
 * images may lie over each other. Coarse: what is told of a place holds for a square of 1/128 of the page's sides.
 */
export class ImageCover {
  readonly #images: Box[] = [];
  readonly #squares = new Uint8Array(side * side);
  #characters: Uint32Array | undefined;
  #covered = 0;

  /** @param images their places on the page as displayed, fractions of it */
  constructor(images: Iterable<Box>) {
    for (const image of images) {
      if (this.#covered === this.#squares.length) break;
      this.#add(image);
      this.#images.push(image);
    }
  }

  /** Share of the page (0-1) that images cover. */
  get share(): number {
    return this.#covered / this.#squares.length;
  }

  /** Takes note of a character. @returns whether the middle of its box is on an image */
  note(character: Box): boolean {
    if (this.#covered === 0) return false;
    const at = middleOf(character);
    if (this.#squares[at] !== 1) return false;
    this.#characters ??= new Uint32Array(side * side);
    this.#characters[at] = (this.#characters[at] as number) + 1;
    return true;
  }

  /**
   * Where there are images, those that touch taken as one, with few or none of the noted characters on them: what they
   * show is not in the text layer. Small ones are left out.
   */
  withoutText(): Box[] {
    if (this.share < leastPicture) return [];
    // The number of each square's region, from 1 on.
    const regions = new Uint16Array(this.#squares.length);
    const boxes = new Map<number, Box>();
    let regionCount = 0;
    for (let start = 0; start < regions.length; start++) {
      if (this.#squares[start] === 0 || regions[start] !== 0) continue;
      const { squares, characters } = this.#fill(regions, start, ++regionCount);
      const share = squares / regions.length;
      if (share < leastPicture || characters >= Math.min(charactersOfText, charactersOfAPage * share)) continue;
      boxes.set(regionCount, { left: 1, top: 1, width: 0, height: 0 });
    }
    for (const image of this.#images) {
      const region = regions[middleOf(image)] ?? 0;
      const box = boxes.get(region);
      if (box !== undefined) boxes.set(region, box.width === 0 ? image : around(box, image));
    }
    return [...boxes.values()];
  }

  /** Gives a number to all squares that hang together with one. */
  #fill(regions: Uint16Array, start: number, region: number): { squares: number; characters: number } {
    let [squares, characters] = [0, 0];
    const next = [start];
    regions[start] = region;
    for (let at = next.pop(); at !== undefined; at = next.pop()) {
      squares += 1;
      characters += this.#characters?.[at] ?? 0;
      const column = at % side;
      const beside = [at - side, at + side, ...(column > 0 ? [at - 1] : []), ...(column < side - 1 ? [at + 1] : [])];
      for (const other of beside) {
        if (this.#squares[other] !== 1 || regions[other] !== 0) continue;
        regions[other] = region;
        next.push(other);
      }
    }
    return { squares, characters };
  }

  /** A square belongs to an image when its middle does. */
  #add({ left, top, width, height }: Box): void {
    const [first, end] = [Math.round(left * side), Math.round((left + width) * side)];
    for (let row = Math.round(top * side); row < Math.round((top + height) * side); row++) {
      for (let at = row * side + first; at < row * side + end; at++) {
        this.#covered += 1 - (this.#squares[at] as number);
        this.#squares[at] = 1;
      }
    }
  }
}

/** The square in which the middle of a box is. */
function middleOf({ left, top, width, height }: Box): number {
  return square(top + height / 2) * side + square(left + width / 2);
}

function square(fraction: number): number {
  return Math.min(side - 1, Math.floor(fraction * side));
}

function around(a: Box, b: Box): Box {
  const [left, top] = [Math.min(a.left, b.left), Math.min(a.top, b.top)];
  const [right, bottom] = [Math.max(a.left + a.width, b.left + b.width), Math.max(a.top + a.height, b.top + b.height)];
  return { left, top, width: right - left, height: bottom - top };
}
