import type { Box, Line, Word } from "../contract/page.ts";
import { boxAround } from "./text-layer.ts";

/** Columns of Tesseract's TSV output: level, page, block, paragraph, line, word, left, top, width, height, conf, text. */
const wordLevel = 5;

/**
 * Lines and words of one page from Tesseract's TSV, whose rows are in reading order, column after column.
 * @param width of the recognised picture, pixels
 * @param height of the recognised picture, pixels
 * @param toPage from a place on the picture to the place on the page
 */
export function linesFromTsv(tsv: string, width: number, height: number, toPage: (box: Box) => Box): Line[] {
  const lines: Line[] = [];
  let current = "";
  let words: Word[] = [];
  const endLine = () => {
    if (words.length > 0) lines.push(lineOf(words));
    words = [];
  };
  for (const row of tsv.split("\n")) {
    const [level, , block, paragraph, line, , left, top, boxWidth, boxHeight, confidence, ...rest] = row.split("\t");
    const text = rest.join("\t").trim();
    if (Number(level) !== wordLevel || text === "") continue;
    const key = `${block}/${paragraph}/${line}`;
    if (key !== current) endLine();
    current = key;
    const box: Box = {
      left: Number(left) / width,
      top: Number(top) / height,
      width: Number(boxWidth) / width,
      height: Number(boxHeight) / height,
    };
    words.push({ text, confidence: round(Math.min(100, Math.max(0, Number(confidence)))), box: toPage(box) });
  }
  endLine();
  return lines;
}

function lineOf(words: Word[]): Line {
  return {
    text: words.map((word) => word.text).join(" "),
    confidence: meanConfidence(words) ?? 0,
    box: boxAround(words.map((word) => word.box)),
    words,
  };
}

/** Mean of the words' confidences, 0-100, to two places; null without words. */
export function meanConfidence(words: readonly Word[]): number | null {
  if (words.length === 0) return null;
  return round(words.reduce((sum, word) => sum + word.confidence, 0) / words.length);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
