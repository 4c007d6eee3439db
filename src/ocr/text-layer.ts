import type { Box, Line, Word } from "../contract/page.ts";
import type { PageImage, PdfDocument } from "../media/pdfium.ts";
import { ImageCover } from "./image-cover.ts";
import { inReadingOrder } from "./mixed-directions.ts";
import { pageToDisplay, type PageRectangle as Rectangle, shownRectangle } from "./page-to-display.ts";
import type { TextLayerEvidence } from "./text-layer-trust.ts";
import { TextPage } from "./text-page.ts";

/**
 * Confidence that words of a text layer carry. It is no measurement: the layer is what the document itself says, read
 * and not recognised. Below 100, because a layer may still differ from what the page shows.
 */
export const textLayerConfidence = 99;

/** Gap between two words, in line heights, from which on they are two lines, as in the cells of a table. */
const columnGap = 2.5;

const lineFeed = 10;
const carriageReturn = 13;

/** A page's text layer: what it says, where, and what is needed to judge it. */
export interface TextLayer {
  lines: Line[];
  evidence: TextLayerEvidence;
  /** Where the page shows images whose text, if they have any, is not among the lines. */
  pictures: Box[];
}

/**
 * Reads a loaded page's text in the order in which the document draws it, which is the author's order of reading. What
 * the page's crop box cuts away is not its text: nobody sees it.
 */
export function readTextLayer(document: PdfDocument, page: number, images: readonly PageImage[]): TextLayer {
  const toBox = pageToDisplay(document, page);
  const cover = new ImageCover(images.map(({ bounds }) => toBox(bounds)));
  const text = new TextPage(document, page);
  try {
    return collect(text, toBox, cover, shownRectangle(document, page));
  } finally {
    text.close();
  }
}

function collect(page: TextPage, toBox: (rectangle: Rectangle) => Box, cover: ImageCover, shown: Rectangle): TextLayer {
  const evidence: TextLayerEvidence = {
    text: "",
    characters: 0,
    unmapped: 0,
    mapErrors: 0,
    imageCoverage: cover.share,
    charactersOnImage: 0,
  };
  const builder = new LineBuilder(toBox, shown);
  for (let i = 0; i < page.count; i++) {
    const code = page.code(i);
    if (code === lineFeed || code === carriageReturn) {
      builder.endLine();
      continue;
    }
    const hyphen = page.isHyphen(i);
    const character = hyphen ? "-" : characterOf(code);
    if (isWhite(character)) {
      builder.endWord();
      continue;
    }
    const box = page.box(i);
    if (box === undefined || touch(box, shown)) {
      evidence.characters += 1;
      if (isUnmapped(character)) evidence.unmapped += 1;
      if (page.hasMapError(i)) evidence.mapErrors += 1;
      if (box !== undefined && cover.share > 0 && cover.note(toBox(box))) evidence.charactersOnImage += 1;
    }
    builder.add(character, box);
    // pdfium joins the word's halves and so gives no end of the line here; on the page there is one.
    if (hyphen) builder.endLine();
  }
  const lines = builder.finish();
  evidence.text = lines.map((line) => line.text).join("\n");
  return { lines, evidence, pictures: cover.withoutText() };
}

/** Gathers characters to words and words to lines. */
class LineBuilder {
  readonly #lines: Line[] = [];
  readonly #toBox: (rectangle: Rectangle) => Box;
  readonly #shown: Rectangle;
  #words: Word[] = [];
  #text = "";
  #bounds: Rectangle | undefined;
  #end: Rectangle | undefined;

  constructor(toBox: (rectangle: Rectangle) => Box, shown: Rectangle) {
    this.#toBox = toBox;
    this.#shown = shown;
  }

  add(character: string, box: Rectangle | undefined): void {
    if (box !== undefined && this.#end !== undefined && this.#breaksLine(box, this.#end)) this.endLine();
    this.#text += character;
    if (box === undefined) return;
    if (this.#bounds === undefined) this.#bounds = { ...box };
    else extend(this.#bounds, box);
    this.#end = box;
  }

  /** Text that runs left to right and jumps far right or back; other directions are left to pdfium's own line ends. */
  #breaksLine(box: Rectangle, end: Rectangle): boolean {
    const height = Math.max(box.top - box.bottom, end.top - end.bottom);
    const sameRow = Math.min(box.top, end.top) - Math.max(box.bottom, end.bottom) > -0.2 * height;
    return sameRow && box.left - end.right > columnGap * height;
  }

  /** A word of which a part is shown is kept as a whole. */
  endWord(): void {
    if (this.#text !== "" && this.#bounds !== undefined && touch(this.#bounds, this.#shown)) {
      const text = expandLigatures(this.#text);
      this.#words.push({ text, confidence: textLayerConfidence, box: this.#toBox(this.#bounds) });
    }
    this.#text = "";
    this.#bounds = undefined;
  }

  endLine(): void {
    this.endWord();
    this.#end = undefined;
    if (this.#words.length === 0) return;
    const words = inReadingOrder(this.#words);
    this.#words = [];
    this.#lines.push({
      text: words.map((word) => word.text).join(" "),
      confidence: textLayerConfidence,
      box: boxAround(words.map((word) => word.box)),
      words,
    });
  }

  finish(): Line[] {
    this.endLine();
    return this.#lines;
  }
}

/** The smallest box around others. */
export function boxAround(boxes: readonly Box[]): Box {
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (const box of boxes) {
    left = Math.min(left, box.left);
    top = Math.min(top, box.top);
    right = Math.max(right, box.left + box.width);
    bottom = Math.max(bottom, box.top + box.height);
  }
  return { left, top, width: right - left, height: bottom - top };
}

function extend(bounds: Rectangle, box: Rectangle): void {
  bounds.left = Math.min(bounds.left, box.left);
  bounds.bottom = Math.min(bounds.bottom, box.bottom);
  bounds.right = Math.max(bounds.right, box.right);
  bounds.top = Math.max(bounds.top, box.top);
}

function touch(a: Rectangle, b: Rectangle): boolean {
  return a.left < b.right && b.left < a.right && a.bottom < b.top && b.bottom < a.top;
}

function characterOf(code: number): string {
  if (code === 0) return "\ufffd";
  return code < 0x10000 ? String.fromCharCode(code) : code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

/** Printed characters of ASCII: nearly all there are, and told without a pattern. */
function isPlain(character: string): boolean {
  return character > " " && character < "\x7f";
}

function isWhite(character: string): boolean {
  return !isPlain(character) && character.trim() === "";
}

/** No value, a control character, a private one, or none at all (U+FFFE, U+FFFF). */
function isUnmapped(character: string): boolean {
  return !isPlain(character) && /^[\p{Cc}\p{Co}\ufffd-\uffff]$/u.test(character);
}

/** Ligatures of Latin letters as the letters that they are: nobody searches for the sign. */
function expandLigatures(text: string): string {
  return text.replace(/[\ufb00-\ufb06]/g, (ligature) => ligature.normalize("NFKC"));
}
