import type { Block } from "@aws-sdk/client-textract";
import { DocketError } from "../contract/failures.ts";
import { pageBlocks } from "../textract/blocks-from-page.ts";
import type { ExportedPage, ExportInput } from "./export-input.ts";

/** An answer of Textract as it was kept. */
interface RawAnswer {
  NextToken?: string;
  Blocks?: Block[];
}

/**
 * The blocks of each page, in order. For pages that Textract read these are its own, as they were kept; for pages that
 * were read on this machine they are made of what was stored, in the same shape.
 * @throws {DocketError} `ObjectMissing` when a raw answer was deleted, `Internal` when it lacks a page
 */
export async function* documentBlocks(input: ExportInput): AsyncGenerator<{ page: number; blocks: Block[] }> {
  const readers = new Map<string, RawReader>();
  for await (const page of input.pages()) yield { page: page.number, blocks: await blocksOf(input, page, readers) };
}

async function blocksOf(input: ExportInput, page: ExportedPage, readers: Map<string, RawReader>): Promise<Block[]> {
  if (page.engine === "local") return pageBlocks(page, { jobId: page.writtenBy, layout: false });
  if (page.rawKey === null) {
    const where = `page ${page.number} of document ${input.document.documentId}`;
    throw new DocketError("Internal", `No raw answer is known for ${where}.`);
  }
  let reader = readers.get(page.writtenBy);
  if (reader === undefined) {
    reader = new RawReader(input.readRaw, page.rawKey);
    readers.set(page.writtenBy, reader);
  }
  return reader.page(page);
}

/** Walks through the raw answers of one job, with the blocks of a few pages in memory at most. */
class RawReader {
  readonly #read: ExportInput["readRaw"];
  readonly #folder: string;
  #part: number;
  #ended = false;
  #blocks: Block[] = [];

  constructor(read: ExportInput["readRaw"], firstKey: string) {
    this.#read = read;
    const slash = firstKey.lastIndexOf("/") + 1;
    this.#folder = firstKey.slice(0, slash);
    this.#part = Number(firstKey.slice(slash));
  }

  /** The blocks of a page, with its number in the document; pages must be asked for in ascending order. */
  async page({ number: inDocument, numberInJob: number, writtenBy }: ExportedPage): Promise<Block[]> {
    // A page is whole when a block of a later one is there, or nothing more comes.
    while (!this.#ended && pageOf(this.#blocks.at(-1)) <= number) await this.#readPart();
    const own = this.#blocks.filter((block) => pageOf(block) === number);
    this.#blocks = this.#blocks.filter((block) => pageOf(block) > number);
    if (own.length === 0) {
      throw new DocketError("Internal", `The raw answers of Textract job ${writtenBy} lack page ${number}.`);
    }
    return number === inDocument ? own : own.map((block) => ({ ...block, Page: inDocument }));
  }

  async #readPart(): Promise<void> {
    const bytes = await this.#read(`${this.#folder}${this.#part}`);
    const answer = JSON.parse(Buffer.from(bytes).toString("utf8")) as RawAnswer;
    this.#blocks.push(...(answer.Blocks ?? []));
    this.#ended = answer.NextToken === undefined || answer.NextToken === null;
    this.#part += 1;
  }
}

/** Textract leaves the number out for an image of one page; 0 for no block at all. */
function pageOf(block: Block | undefined): number {
  return block === undefined ? 0 : (block.Page ?? 1);
}
