import type { Word } from "../contract/page.ts";

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const letter = /\p{L}/u;
const digit = /\p{Nd}/u;

/**
 * The words of a line in the order in which they are read. pdfium gives a line in Hebrew or Arabic word by word from
 * right to left, also where some words in between are Latin, which are read from left to right among themselves.
 */
export function inReadingOrder(words: readonly Word[]): Word[] {
  if (!words.some(({ text }) => rightToLeft.test(text))) return [...words];
  const ordered: Word[] = [];
  for (let at = 0; at < words.length; ) {
    const end = endOfRun(words, at);
    ordered.push(...(end > at ? fromLeftToRight(words.slice(at, end)) : words.slice(at, at + 1)));
    at = Math.max(end, at + 1);
  }
  return ordered;
}

/**
 * Where words that are read from left to right end, if such a one is at `start`. Numbers belong to them where they are
 * read after the first of them (Unicode's bidirectional algorithm, rule W7): from right to left that is before it.
 */
function endOfRun(words: readonly Word[], start: number): number {
  let end = start;
  for (let at = start; at < words.length; at++) {
    const { text } = words[at] as Word;
    if (rightToLeft.test(text)) break;
    if (letter.test(text)) end = at + 1;
    else if (!digit.test(text)) break;
  }
  return end;
}

/** Left as they are where they do not stand beside each other, as on a line that is turned. */
function fromLeftToRight(words: readonly Word[]): readonly Word[] {
  const sorted = words.toSorted((a, b) => a.box.left - b.box.left);
  const apart = sorted.every(({ box }, i) => {
    const before = sorted[i - 1]?.box;
    return before === undefined || before.left + before.width / 2 < box.left;
  });
  return apart ? sorted : words;
}
