import { deserialize, serialize } from "node:v8";

/** A word of a page that may go on. */
export interface OpenWord {
  /** 0-100. */
  confidence: number;
  /** Its members in the page's JSON. */
  members: string;
}

/** A line whose words may be still to come. */
export interface OpenLine {
  text: string;
  /** Its members in the page's JSON, but for its words. */
  members: string;
  /** Their blocks' ids, from left to right. */
  words: string[];
}

/** What has come of a page that may go on: of its blocks only what the page needs. */
export interface OpenPage {
  number: number;
  lines: OpenLine[];
  /** By their blocks' ids. */
  words: Map<string, OpenWord>;
}

/** The same in columns: object by object it would take as long as a third of the answer. */
interface Columns {
  number: number;
  ids: string[];
  confidences: Float64Array;
  words: string[];
  lines: string[];
  lineTexts: string[];
  lineWords: string[][];
}

/** A page as bytes, for {@link unpackPage} of the same process. */
export function packPage({ number, lines, words }: OpenPage): Uint8Array {
  const columns: Columns = {
    number,
    ids: [...words.keys()],
    confidences: Float64Array.from(words.values(), ({ confidence }) => confidence),
    words: Array.from(words.values(), ({ members }) => members),
    lines: lines.map(({ members }) => members),
    lineTexts: lines.map(({ text }) => text),
    lineWords: lines.map((line) => line.words),
  };
  // A copy: what `serialize` gives may lie in memory that cannot be handed to another thread.
  return new Uint8Array(serialize(columns));
}

/** The page that {@link packPage} was given. */
export function unpackPage(bytes: Uint8Array): OpenPage {
  const { number, ids, confidences, words, lines, lineTexts, lineWords }: Columns = deserialize(bytes);
  return {
    number,
    words: new Map(ids.map((id, at) => [id, { confidence: confidences[at] ?? 0, members: words[at] ?? "" }])),
    lines: lines.map((members, at) => ({ text: lineTexts[at] ?? "", members, words: lineWords[at] ?? [] })),
  };
}
