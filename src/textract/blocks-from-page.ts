import type { Block, Geometry } from "@aws-sdk/client-textract";
import { v5 as uuidv5 } from "uuid";
import type { Box, RecognizedPage } from "../contract/page.ts";
import { groupLines } from "./text-groups.ts";

// Any fixed UUID will do: it keeps the ids of blocks apart from other name-based ids.
const namespace = "6f2d3c1e-8a57-4a6b-9f0e-5d1b7c90e2a4";

/** What decides the blocks of a page, besides the page itself. */
export interface BlockOptions {
  /** Ids are stable within a job and differ between jobs. */
  jobId: string;
  /** Adds LAYOUT_TEXT blocks. */
  layout: boolean;
}

/** How many blocks {@link pageBlocks} makes, without making them. */
export function countBlocks(page: RecognizedPage, options: { layout: boolean }): number {
  const words = page.lines.reduce((sum, line) => sum + line.words.length, 0);
  return 1 + page.lines.length + words + (options.layout ? groupLines(page.lines).length : 0);
}

/**
 * The blocks of one page in Textract's order: the page, its lines, their words, its layout. Words and lines are as they
 * were read; nothing is made up for tables, forms, signatures or queries.
 */
export function pageBlocks(page: RecognizedPage, options: BlockOptions): Block[] {
  const job = uuidv5(options.jobId, namespace);
  const id = (name: string) => uuidv5(`${page.number}/${name}`, job);
  const words: Block[] = [];
  const lines = page.lines.map((line, at): Block => {
    const children = line.words.map((word): Block => {
      const block: Block = {
        BlockType: "WORD",
        Confidence: percent(word.confidence),
        Text: word.text,
        TextType: "PRINTED",
        Geometry: geometry(word.box),
        Id: id(`word/${words.length}`),
        Page: page.number,
      };
      words.push(block);
      return block;
    });
    return {
      BlockType: "LINE",
      Confidence: percent(line.confidence),
      Text: line.text,
      Geometry: geometry(line.box),
      Id: id(`line/${at}`),
      ...childrenOf(children),
      Page: page.number,
    };
  });
  const layout = options.layout ? groupLines(page.lines).map((group, at) => layoutText(group, at)) : [];
  const whole: Block = {
    BlockType: "PAGE",
    Geometry: geometry({ left: 0, top: 0, width: 1, height: 1 }),
    Id: id("page"),
    ...childrenOf([...lines, ...layout]),
    Page: page.number,
  };
  return [whole, ...lines, ...words, ...layout];

  function layoutText(group: { box: Box; confidence: number; lines: number[] }, at: number): Block {
    return {
      BlockType: "LAYOUT_TEXT",
      Confidence: percent(group.confidence),
      Geometry: geometry(group.box),
      Id: id(`layout/${at}`),
      ...childrenOf(group.lines.flatMap((line) => lines[line] ?? [])),
      Page: page.number,
    };
  }
}

function childrenOf(blocks: readonly Block[]): Pick<Block, "Relationships"> {
  if (blocks.length === 0) return {};
  return { Relationships: [{ Type: "CHILD", Ids: blocks.flatMap((block) => block.Id ?? []) }] };
}

function geometry(box: Box): Geometry {
  const left = fraction(box.left);
  const top = fraction(box.top);
  const right = fraction(box.left + box.width);
  const bottom = fraction(box.top + box.height);
  return {
    BoundingBox: { Width: rounded(right - left), Height: rounded(bottom - top), Left: left, Top: top },
    Polygon: [
      { X: left, Y: top },
      { X: right, Y: top },
      { X: right, Y: bottom },
      { X: left, Y: bottom },
    ],
  };
}

// Readers may report a glyph that stands over the page's edge; Textract's values never leave 0-1 and 0-100. Seven digits
// are what the model's 32-bit floats hold.
const fraction = (value: number) => rounded(Math.min(1, Math.max(0, value)));
const percent = (value: number) => rounded(Math.min(100, Math.max(0, value)));
const rounded = (value: number) => Math.round(value * 1e7) / 1e7;
