import type { Block } from "@aws-sdk/client-textract";
import type { FeatureType } from "../../contract/features.ts";
import type { RecognizedPage } from "../../contract/page.ts";
import { blockIds } from "../../textract/block-parts.ts";
import { countBlocks, pageBlocks } from "../../textract/blocks-from-page.ts";
import { fieldBlocks, findFields } from "./form-fields.ts";
import { type PageQuery, queryBlocks } from "./query-blocks.ts";
import { tableBlocks } from "./table-blocks.ts";

/** What decides a page's blocks, besides the page itself. */
interface Analysis {
  jobId: string;
  features: readonly FeatureType[];
  queries?: readonly PageQuery[] | undefined;
}

/**
 * The blocks of one page: its text, and what its geometry alone tells of the features that were asked for. Tables are
 * those whose borders a born-digital page draws, fields are lines of the form `Key: value`, and a question is answered
 * by the field whose key it names. Nothing is guessed: what does not have this form has no block.
 */
export function analysedBlocks(page: RecognizedPage, { jobId, features, queries = [] }: Analysis): Block[] {
  const [whole, ...text] = pageBlocks(page, { jobId, layout: features.includes("LAYOUT") });
  if (whole === undefined) return [];
  const id = blockIds(jobId, page.number);
  const words = text.filter((block) => block.BlockType === "WORD");
  const tables = features.includes("TABLES") ? tableBlocks(page, words, id) : [];
  const fields = features.includes("FORMS") || features.includes("QUERIES") ? findFields(text) : [];
  const forms = features.includes("FORMS") ? fieldBlocks(page.number, fields, id) : [];
  const answers = features.includes("QUERIES") ? queryBlocks(page.number, queries, fields, id) : [];
  const extra = [...tables, ...forms, ...answers];
  const below = ["TABLE", "KEY_VALUE_SET", "QUERY"];
  const children = extra.flatMap(({ BlockType = "", Id = "" }) => (below.includes(BlockType) ? [Id] : []));
  return [withChildren(whole, children), ...text, ...extra];
}

/** How many blocks {@link analysedBlocks} makes. */
export function countAnalysedBlocks(page: RecognizedPage, analysis: Analysis): number {
  const { features } = analysis;
  // Text and layout are counted without being made: most pages have nothing else.
  if (features.some((feature) => feature !== "LAYOUT")) return analysedBlocks(page, analysis).length;
  return countBlocks(page, { layout: features.includes("LAYOUT") });
}

function withChildren(block: Block, more: string[]): Block {
  if (more.length === 0) return block;
  const ids = [...(block.Relationships?.[0]?.Ids ?? []), ...more];
  const { Page, ...others } = block;
  return { ...others, Relationships: [{ Type: "CHILD", Ids: ids }], ...(Page === undefined ? {} : { Page }) };
}
