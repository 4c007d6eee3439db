import { deserialize, serialize } from "node:v8";
import type { Line, Word } from "../contract/page.ts";

/** A line whose words may be still to come. */
export interface OpenLine extends Omit<Line, "words"> {
  /** Their blocks' ids, from left to right. */
  words: string[];
}

/** What has come of a page that may go on: of its blocks only what the page needs. */
export interface OpenPage {
  number: number;
  lines: OpenLine[];
  /** By their blocks' ids. */
  words: Map<string, Word>;
}

/** The same in columns: numbers that are written out and read again would take as long as a third of the answer. */
interface Columns {
  number: number;
  ids: string[];
  wordTexts: string[];
  lineTexts: string[];
  lineWords: string[][];
  /** Five for each word, then for each line. */
  numbers: Float64Array;
}

/** A page as bytes, for {@link unpackPage} of the same process. */
export function packPage({ number, lines, words }: OpenPage): Uint8Array {
  const placed = [...words.values(), ...lines];
  const numbers = new Float64Array(placed.length * 5);
  placed.forEach(({ confidence, box }, index) => {
    numbers.set([confidence, box.left, box.top, box.width, box.height], index * 5);
  });
  const columns: Columns = {
    number,
    ids: [...words.keys()],
    wordTexts: Array.from(words.values(), ({ text }) => text),
    lineTexts: lines.map(({ text }) => text),
    lineWords: lines.map((line) => line.words),
    numbers,
  };
  // A copy: what `serialize` gives may lie in memory that cannot be handed to another thread.
  return new Uint8Array(serialize(columns));
}

/** The page that {@link packPage} was given. */
export function unpackPage(bytes: Uint8Array): OpenPage {
  const { number, ids, wordTexts, lineTexts, lineWords, numbers }: Columns = deserialize(bytes);
  const placed = (text: string, index: number) => {
    const [confidence = 0, left = 0, top = 0, width = 0, height = 0] = numbers.subarray(index * 5, index * 5 + 5);
    return { text, confidence, box: { left, top, width, height } };
  };
  return {
    number,
    words: new Map(ids.map((id, index) => [id, placed(wordTexts[index] ?? "", index)])),
    lines: lineTexts.map((text, index) => ({ ...placed(text, ids.length + index), words: lineWords[index] ?? [] })),
  };
}
