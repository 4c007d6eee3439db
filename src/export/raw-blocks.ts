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
    reader = new RawReader(input.readRaw, page.rawKey, input.document.features.length > 0);
    readers.set(page.writtenBy, reader);
  }
  return reader.page(page);
}

/** Answers in memory: the text of a page, and its tables, fields, answers and layout where each come in a row of their own. */
const keptParts = 6;

/** Reads the raw answers of one job, with a few of them in memory at most. */
class RawReader {
  readonly #read: ExportInput["readRaw"];
  readonly #folder: string;
  readonly #features: boolean;
  /** Numbers of the answers that hold blocks of a page, ascending. */
  readonly #partsOfPage = new Map<number, Set<number>>();
  /** By their numbers; the one that was used last is the last. */
  readonly #kept = new Map<number, Block[]>();
  /** The answer that was not looked at yet. */
  #next: number;
  #ended = false;
  /** Page of the last block that was looked at. */
  #reached = 0;

  /** @param features whether there is more than text, which may come in any answer */
  constructor(read: ExportInput["readRaw"], firstKey: string, features: boolean) {
    this.#read = read;
    const slash = firstKey.lastIndexOf("/") + 1;
    this.#folder = firstKey.slice(0, slash);
    this.#features = features;
    this.#next = features ? 1 : Number(firstKey.slice(slash));
  }

  /** The blocks of a page, with its number in the document; pages must be asked for in ascending order. */
  async page({ number: inDocument, numberInJob: number, writtenBy }: ExportedPage): Promise<Block[]> {
    // The text of a page is whole when a block of a later one is there; tables, fields and answers may follow later.
    while (!this.#ended && (this.#features || this.#reached <= number)) await this.#lookAtNext();
    const own: Block[] = [];
    for (const part of this.#partsOfPage.get(number) ?? []) {
      const blocks = this.#kept.get(part) ?? (await this.#readPart(part)).blocks;
      this.#keep(part, blocks);
      own.push(...blocks.filter((block) => pageOf(block) === number));
    }
    this.#partsOfPage.delete(number);
    if (own.length === 0) {
      throw new DocketError("Internal", `The raw answers of Textract job ${writtenBy} lack page ${number}.`);
    }
    return number === inDocument ? own : own.map((block) => ({ ...block, Page: inDocument }));
  }

  /** Notes which pages the next answer has blocks of. */
  async #lookAtNext(): Promise<void> {
    const part = this.#next;
    const { blocks, last } = await this.#readPart(part);
    for (const block of blocks) {
      const parts = this.#partsOfPage.get(pageOf(block));
      if (parts === undefined) this.#partsOfPage.set(pageOf(block), new Set([part]));
      else parts.add(part);
    }
    this.#reached = pageOf(blocks.at(-1)) || this.#reached;
    this.#ended = last;
    this.#next += 1;
    this.#keep(part, blocks);
  }

  #keep(part: number, blocks: Block[]): void {
    this.#kept.delete(part);
    this.#kept.set(part, blocks);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptParts && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #readPart(part: number): Promise<{ blocks: Block[]; last: boolean }> {
    const bytes = await this.#read(`${this.#folder}${part}`);
    const answer = JSON.parse(Buffer.from(bytes).toString("utf8")) as RawAnswer;
    return { blocks: answer.Blocks ?? [], last: answer.NextToken === undefined || answer.NextToken === null };
  }
}

/** Textract leaves the number out for an image of one page; 0 for no block at all. */
function pageOf(block: Block | undefined): number {
  return block === undefined ? 0 : (block.Page ?? 1);
}
