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

/**
 * Which reader produced the text of a page: Amazon Textract, the document's own text layer, or local recognition
 * of the page's picture.
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
}
