import type { PageSource, RecognizedPage } from "./page.ts";

/** A page as the table `pages` takes it: what is large is bytes, which reach PostgreSQL as they are. */
export interface PageRow {
  number: number;
  /** UTF-8. */
  text: Uint8Array;
  /** Unicode code points of the text. */
  characters: number;
  confidence: number | null;
  width: number | null;
  height: number | null;
  /** The binary form of `jsonb`: its version, 1, and JSON in UTF-8. */
  lines: Uint8Array;
  source: PageSource;
}

/** A page as a row; what PostgreSQL refuses is left out of its text. */
export function pageRow({ lines, ...page }: RecognizedPage): PageRow {
  return rowOfPage(page, storableJson(lines));
}

/** @param lines as JSON that PostgreSQL takes */
export function rowOfPage(page: Omit<RecognizedPage, "lines" | "rules">, lines: string): PageRow {
  const { number, text, confidence, width, height, source } = page;
  const stored = storable(text);
  const encoder = new TextEncoder();
  return {
    number,
    text: encoder.encode(stored),
    characters: characterCount(stored),
    confidence,
    width,
    height,
    lines: encoder.encode(`\u0001${lines}`),
    source,
  };
}

/** Unicode code points, as PostgreSQL's char_length counts. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** PostgreSQL's text cannot hold the null character, and a lone surrogate is not UTF-8. */
export function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

// How JSON writes what PostgreSQL refuses: a null character, half of a surrogate pair. Rarely anything else, such as a
// text that holds a backslash before these letters.
const suspicious = /\\u(?:0000|d[89a-f])/;

/** As JSON, with nothing in its strings that PostgreSQL refuses. */
function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!suspicious.test(json)) return json;
  return JSON.stringify(value, (_, inner) => (typeof inner === "string" ? storable(inner) : inner));
}
