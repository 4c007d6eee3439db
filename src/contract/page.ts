/** A rectangle on a page, every value a fraction (0-1) of the page's width or height, origin at the top left. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** One word as its reader saw it. */
export interface Word {
  text: string;
  /** 0-100. */
  confidence: number;
  box: Box;
}

/** One line of text, its words from left to right. */
export interface Line {
  text: string;
  /** 0-100. */
  confidence: number;
  box: Box;
  words: Word[];
}

/** A line's words; a line whose words are not known counts as one word, so that its text is nowhere left out. */
export function wordsOf({ words, text, confidence, box }: Line): readonly Word[] {
  return words.length > 0 ? words : [{ text, confidence, box }];
}

/** A straight stroke of the page, in fractions (0-1) of it from its top left. */
export interface Rule {
  direction: "horizontal" | "vertical";
  /** From the top for a horizontal one, from the left for a vertical one. */
  at: number;
  /** Where it begins and ends, along its direction. */
  from: number;
  to: number;
}

/**
 * Which reader produced the text of a page: Amazon Textract, the document's own text layer, or local recognition
 * of the page's picture. A page whose layer was completed by what its images show counts as recognised; words of the layer
 * keep their confidence of 99.
 */
export type PageSource = "textract" | "text-layer" | "recognition";

/** One page as Docket keeps it, whatever engine read it: the shape of a Textract page without the block graph. */
export interface RecognizedPage {
  /** 1-based. */
  number: number;
  /** PDF points for a PDF, pixels for an image, null where the reader does not tell. */
  width: number | null;
  height: number | null;
  /** The page's lines in reading order, joined by a line feed. */
  text: string;
  /** Mean confidence of the page's words, 0-100; null for a page without words. */
  confidence: number | null;
  lines: Line[];
  source: PageSource;
  /** Straight strokes of the page, where they were asked for and it has a text layer of its own. */
  rules?: Rule[];
}
