import type { Block } from "@aws-sdk/client-textract";
import type { Box } from "../../contract/page.ts";
import { boxOf } from "../../textract/block-box.ts";
import { childrenOf, geometry, percent } from "../../textract/block-parts.ts";

/** A key is no sentence: more words than this before the colon are prose. */
const mostKeyWords = 6;

/** A key with its value, as the words of a page. */
export interface Field {
  key: Block[];
  value: Block[];
}

/**
 * Fields of the form `Key: value`: the words of a line up to its first colon, and those after it, or, where the colon
 * ends the line, the next line to the right at the same height.
 * @param blocks a page's lines and words
 */
export function findFields(blocks: readonly Block[]): Field[] {
  const byId = new Map(blocks.map((block) => [block.Id, block]));
  const wordsOf = (line: Block) => (line.Relationships?.[0]?.Ids ?? []).flatMap((id) => byId.get(id) ?? []);
  const lines = blocks.filter((block) => block.BlockType === "LINE");
  return lines.flatMap((line) => {
    const words = wordsOf(line);
    const colon = words.findIndex(({ Text = "" }) => Text.endsWith(":"));
    if (colon < 0 || colon >= mostKeyWords || !/[\p{L}\p{N}]/u.test(words[0]?.Text ?? "")) return [];
    const rest = words.slice(colon + 1);
    const beside = rest.length > 0 ? undefined : lineBeside(line, lines);
    const value = beside === undefined ? rest : wordsOf(beside);
    return value.length === 0 ? [] : [{ key: words.slice(0, colon + 1), value }];
  });
}

function lineBeside(line: Block, lines: readonly Block[]): Block | undefined {
  const own = boxOf(line);
  const beside = lines.filter((other) => {
    const box = boxOf(other);
    const shared = Math.min(own.top + own.height, box.top + box.height) - Math.max(own.top, box.top);
    return box.left >= own.left + own.width && shared > Math.min(own.height, box.height) / 2;
  });
  return beside.toSorted((a, b) => boxOf(a).left - boxOf(b).left)[0];
}

/** KEY_VALUE_SET blocks of fields. */
export function fieldBlocks(page: number, fields: readonly Field[], id: (name: string) => string): Block[] {
  return fields.flatMap(({ key, value }, at): Block[] => {
    const valueId = id(`field/${at}/value`);
    const part = (words: Block[], kind: "KEY" | "VALUE"): Block => ({
      BlockType: "KEY_VALUE_SET",
      Confidence: meanConfidence(words),
      Geometry: geometry(boxAround(words)),
      Id: kind === "VALUE" ? valueId : id(`field/${at}/key`),
      Relationships: [
        ...(kind === "KEY" ? [{ Type: "VALUE" as const, Ids: [valueId] }] : []),
        ...(childrenOf(words).Relationships ?? []),
      ],
      EntityTypes: [kind],
      Page: page,
    });
    return [part(key, "KEY"), part(value, "VALUE")];
  });
}

/** The smallest box around words. */
export function boxAround(words: readonly Block[]): Box {
  const boxes = words.map((word) => boxOf(word));
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const right = Math.max(...boxes.map((box) => box.left + box.width));
  const bottom = Math.max(...boxes.map((box) => box.top + box.height));
  return { left, top, width: right - left, height: bottom - top };
}

/** Of words, 0-100. */
export function meanConfidence(words: readonly Block[]): number {
  return percent(words.reduce((sum, { Confidence = 0 }) => sum + Confidence, 0) / Math.max(1, words.length));
}
