import { DocketError } from "../contract/failures.ts";
import { type PageRow, rowOfPage } from "../contract/page-row.ts";
import type { OpenLine, OpenPage, OpenWord } from "./open-page.ts";
import type { TextBlock } from "./text-blocks.ts";

/**
 * Builds pages out of a stream of blocks, holding the blocks of one page at a time. Textract gives a document's blocks
 * page after page, and a page's blocks may be spread over several answers; a page is handed on as soon as a block of a
 * later one arrives. Lines keep Textract's order, which is its reading order.
 */
export class PageBuilder {
  #number: number;
  #lines: OpenLine[];
  #words: Map<string, OpenWord>;

  /** @param open where another builder stopped */
  constructor(open: OpenPage | null = null) {
    this.#number = open?.number ?? 0;
    this.#lines = open?.lines ?? [];
    this.#words = open?.words ?? new Map();
  }

  /** The page whose blocks are arriving; null before the first. */
  get open(): OpenPage | null {
    return this.#number === 0 ? null : { number: this.#number, lines: this.#lines, words: this.#words };
  }

  /**
   * Takes the next blocks.
   * @param after pages up to this number are left out
   * @returns the pages that these blocks complete
   * @throws {DocketError} `Internal` when blocks of text are not in the order of pages, rather than lose text
   */
  add(blocks: readonly TextBlock[], after: number): PageRow[] {
    const complete: PageRow[] = [];
    for (const { type, page, id, text, confidence, members, children } of blocks) {
      if (page <= after) continue;
      if (page < this.#number) {
        throw new DocketError(
          "Internal",
          `Textract sent a block of page ${page} after page ${this.#number} had begun.`,
        );
      }
      if (page > this.#number) {
        if (this.#number > 0) complete.push(this.#take());
        this.#number = page;
      }
      if (type === "LINE") this.#lines.push({ text, members, words: children });
      else if (type === "WORD" && id !== undefined) this.#words.set(id, { confidence, members });
    }
    return complete;
  }

  /** The last page, when no more blocks come. */
  finish(): PageRow[] {
    return this.#number > 0 ? [this.#take()] : [];
  }

  #take(): PageRow {
    const texts: string[] = [];
    const lines: string[] = [];
    for (const { text, members, words } of this.#lines) {
      const known: string[] = [];
      for (const id of words) {
        const word = this.#words.get(id);
        if (word !== undefined) known.push(`{${word.members}}`);
      }
      texts.push(text);
      lines.push(`{${members},"words":[${known.join()}]}`);
    }
    const page = {
      number: this.#number,
      width: null,
      height: null,
      text: texts.join("\n"),
      confidence: this.#meanConfidence(),
      source: "textract" as const,
    };
    this.#lines = [];
    this.#words = new Map();
    return rowOfPage(page, `[${lines.join()}]`);
  }

  #meanConfidence(): number | null {
    if (this.#words.size === 0) return null;
    let sum = 0;
    for (const { confidence } of this.#words.values()) sum += confidence;
    return sum / this.#words.size;
  }
}
