import type { Block } from "@aws-sdk/client-textract";
import type { Box, RecognizedPage } from "../contract/page.ts";
import { blockIds, childrenOf, geometry, percent } from "./block-parts.ts";
import { groupLines } from "./text-groups.ts";

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
 * were read.
 */
export function pageBlocks(page: RecognizedPage, options: BlockOptions): Block[] {
  const id = blockIds(options.jobId, page.number);
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
