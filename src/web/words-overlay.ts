import { type Box, type Word, wordsOf } from "../contract/page.ts";
import { bareWord } from "../database/highlight-page.ts";
import { pictureAddress } from "./addresses.ts";
import { type Html, html } from "./html.ts";
import type { ShownPage } from "./read-page.ts";

/** Confidence below which a word is marked as doubtful. */
export const doubtfulConfidence = 80;
/** Words beyond are not drawn: a page of a newspaper has some 10,000. */
const drawnWords = 20_000;

/** A word of a page, with what is special about it. */
export interface MarkedWord {
  word: Word;
  /** Unique on the page; what links point at. */
  id: string;
  doubtful: boolean;
  found: boolean;
}

/** The page's words line by line, those marked that are doubtful or that a search found. */
export function markWords({ lines }: ShownPage, found: ReadonlySet<string>): MarkedWord[][] {
  return lines.map((line, l) =>
    wordsOf(line).map((word, w) => ({
      word,
      id: `w${l + 1}-${w + 1}`,
      doubtful: word.confidence < doubtfulConfidence,
      found: found.size > 0 && found.has(bareWord(word.text)),
    })),
  );
}

/** What became of the page's picture: its size in pixels, or why there is none. */
export type Picture = { width: number; height: number } | { reason: string };

/**
 * The page's picture with a rectangle on each recognised word. Where there is no picture, the words lie on empty paper.
 * The words' texts are beside it for everybody, so the drawing itself is one image to those who do not see it.
 */
export function wordsOverlay(documentId: string, page: number, picture: Picture, lines: MarkedWord[][]): Html {
  const { width, height } = "width" in picture ? picture : { width: 1240, height: 1754 };
  const words = lines.flat().slice(0, drawnWords);
  return html`<svg class="sheet" viewBox="0 0 ${width} ${height}" role="img" aria-label="Picture of page ${page}">
<rect class="paper" width="${width}" height="${height}"/>
${"width" in picture ? html`<image href="${pictureAddress(documentId, page)}" width="${width}" height="${height}"/>` : ""}
<g class="words">${words.map((word) => wordOn(word, width, height))}</g></svg>`;
}

function wordOn({ word, id, doubtful, found }: MarkedWord, width: number, height: number): Html {
  const { left, top, width: w, height: h } = onSheet(word.box, width, height);
  const kinds = [doubtful ? "doubtful" : "", found ? "found" : ""].join(" ").trim();
  return html`<rect id="${id}"${kinds === "" ? "" : html` class="${kinds}"`} x="${left}" y="${top}" width="${w}" height="${h}"><title>${word.text} · ${word.confidence.toFixed(0)}%</title></rect>
`;
}

function onSheet(box: Box, width: number, height: number): Box {
  const at = (fraction: number, side: number) => Math.round(fraction * side * 10) / 10;
  return {
    left: at(box.left, width),
    top: at(box.top, height),
    width: at(box.width, width),
    height: at(box.height, height),
  };
}
