import type { Box, Line } from "../contract/page.ts";

/** A word reaches over at least this part of the text that it is the same as; readers differ in how tight their boxes are. */
const leastPart = 1 / 3;
/** Text whose box is longer than this many times its other side runs along it; a slanted word's box is nearly square. */
const longRow = 2;

interface PageSize {
  width: number;
  height: number;
}

/** Whether the middle of a box is in another, or within a margin above or below it. */
export function holds({ left, top, width, height }: Box, box: Box, margin = 0): boolean {
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  return x >= left && x <= left + width && y >= top - margin && y <= top + height + margin;
}

/**
 * Whether a word is the text that has a box, or a part of it: it stands there, and is of a size with it. The upright box
 * of a slanted or a huge watermark holds many words of the page below it, which are no part of it. Text is taken a little
 * higher than its letters.
 * @param page the page's size as displayed, in any unit: boxes are fractions of it
 */
function isPartOf(text: Box, word: Box, page: PageSize): boolean {
  if (!holds(text, word, text.height / 4)) return false;
  const high = word.height >= leastPart * text.height;
  const wide = word.width >= leastPart * text.width;
  const [width, height] = [text.width * page.width, text.height * page.height];
  if (width > longRow * height) return high;
  if (height > longRow * width) return wide;
  return high && wide;
}

/** Tells of words that were read on a page whether they are among the lines that it has of its own. */
export function isAmong(lines: readonly Line[], page: PageSize): (word: Box) => boolean {
  const texts = lines.flatMap(({ box, words }) => [box, ...words.map((word) => word.box)]);
  return (word) => texts.some((text) => isPartOf(text, word, page));
}
