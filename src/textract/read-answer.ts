import { DocketError } from "../contract/failures.ts";
import type { PageRow } from "../contract/page-row.ts";
import { packPage, unpackPage } from "./open-page.ts";
import { PageBuilder } from "./pages-from-blocks.ts";
import { readTextBlocks, type TextAnswer } from "./text-blocks.ts";

/** An answer of a Get, and where the answer before it stopped. */
export interface AnswerToRead {
  /** How messages name it: the document, and which of its answers. */
  name: string;
  /** As Textract sent it. */
  body: Uint8Array;
  /** What the answer before it left open; null: nothing. */
  open: Uint8Array | null;
  /** Pages up to this number are stored already. */
  after: number;
}

/** What an answer holds: plain data and bytes, which a thread can hand to another. */
export interface AnswerRead {
  nextToken: string | null;
  /** Numbers of the pages that have blocks in it. */
  numbers: number[];
  /** The pages that it completes, in order. */
  rows: PageRow[];
  /** Number of the page that may go on in the next answer; 0: none. */
  openPage: number;
  /** That page so far, for the answer that follows; null: none. */
  open: Uint8Array | null;
}

/**
 * Makes rows of pages out of one answer.
 * @throws {DocketError} `TextractUnavailable` when it is not the JSON of an answer; `Internal` when its blocks are not in
 * the order of pages
 */
export function readAnswer({ name, body, open, after }: AnswerToRead): AnswerRead {
  const { blocks, nextToken, numbers } = parsed(name, body);
  const builder = new PageBuilder(open === null ? null : unpackPage(open));
  try {
    const rows = builder.add(blocks, after);
    if (nextToken === null) rows.push(...builder.finish());
    const left = builder.open;
    return {
      nextToken,
      numbers: [...numbers],
      rows,
      openPage: left?.number ?? 0,
      open: left === null ? null : packPage(left),
    };
  } catch (error) {
    if (!(error instanceof DocketError)) throw error;
    throw new DocketError(error.type, `${name}: ${error.message}`, { cause: error });
  }
}

function parsed(name: string, body: Uint8Array): TextAnswer {
  try {
    return readTextBlocks(body);
  } catch (error) {
    throw new DocketError("TextractUnavailable", `Textract, ${name}: ${(error as Error).message}`, { cause: error });
  }
}
