import type { Box } from "../contract/page.ts";

/** Squares along each side of a page: finer than any image that matters for how much of the page is a scan. */
const side = 128;

/**
 * Where a page is covered by images, all of them together: scanners and fax servers store one page as many strips, and
 * images may lie over each other. Coarse: what is told of a place holds for a square of 1/128 of the page's sides.
 */
export class ImageCover {
  readonly #squares = new Uint8Array(side * side);
  #covered = 0;

  /** @param images their places on the page as displayed, fractions of it */
  constructor(images: Iterable<Box>) {
    for (const image of images) {
      if (this.#covered === this.#squares.length) break;
      this.#add(image);
    }
  }

  /** Share of the page (0-1) that images cover. */
  get share(): number {
    return this.#covered / this.#squares.length;
  }

  /** Whether the middle of a box is on an image. */
  holds({ left, top, width, height }: Box): boolean {
    if (this.#covered === 0) return false;
    const [column, row] = [square(left + width / 2), square(top + height / 2)];
    return this.#squares[row * side + column] === 1;
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

function square(fraction: number): number {
  return Math.min(side - 1, Math.floor(fraction * side));
}
