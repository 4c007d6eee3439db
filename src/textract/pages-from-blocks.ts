import type { Block } from "@aws-sdk/client-textract";
import { DocketError } from "../contract/failures.ts";
import type { RecognizedPage, Word } from "../contract/page.ts";
import { boxOf } from "./block-box.ts";
import type { OpenLine, OpenPage } from "./open-page.ts";

// What a page's text is made of. Tables, fields and answers may come in another order, after pages that follow theirs.
const textBlocks: readonly (string | undefined)[] = ["PAGE", "LINE", "WORD"];

/**
 * Builds pages out of a stream of blocks, holding the blocks of one page at a time. Textract gives a document's blocks
 * page after page, and a page's blocks may be spread over several answers; a page is handed on as soon as a block of a
 * later one arrives. Lines keep Textract's order, which is its reading order.
 */
export class PageBuilder {
  #number: number;
  #lines: OpenLine[];
  #words: Map<string, Word>;

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
   * @returns the pages that these blocks complete
   * @throws {DocketError} `Internal` when blocks of text are not in the order of pages, rather than lose text
   */
  add(blocks: readonly Block[]): RecognizedPage[] {
    const complete: RecognizedPage[] = [];
    for (const block of blocks) {
      if (!textBlocks.includes(block.BlockType)) continue;
      // A single-page image has no page numbers.
      const number = block.Page ?? 1;
      if (number < this.#number) {
        throw new DocketError(
          "Internal",
          `Textract sent a block of page ${number} after page ${this.#number} had begun.`,
        );
      }
      if (number > this.#number) {
        if (this.#number > 0) complete.push(this.#take());
        this.#number = number;
      }
      if (block.BlockType === "LINE") this.#lines.push({ ...textOf(block), words: childrenOf(block) });
      else if (block.BlockType === "WORD" && block.Id !== undefined) this.#words.set(block.Id, textOf(block));
    }
    return complete;
  }

  /** The last page, when no more blocks come. */
  finish(): RecognizedPage[] {
    return this.#number > 0 ? [this.#take()] : [];
  }

  #take(): RecognizedPage {
    const lines = this.#lines.map((line) => ({
      ...line,
      words: line.words.flatMap((id) => this.#words.get(id) ?? []),
    }));
    const page: RecognizedPage = {
      number: this.#number,
      width: null,
      height: null,
      text: lines.map((line) => line.text).join("\n"),
      confidence: mean([...this.#words.values()].map((word) => word.confidence)),
      lines,
      source: "textract",
    };
    this.#lines = [];
    this.#words = new Map();
    return page;
  }
}

function textOf(block: Block): Word {
  return { text: block.Text ?? "", confidence: block.Confidence ?? 0, box: boxOf(block) };
}

function childrenOf(block: Block): string[] {
  return block.Relationships?.filter(({ Type }) => Type === "CHILD").flatMap(({ Ids }) => Ids ?? []) ?? [];
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
