import type { Block } from "@aws-sdk/client-textract";
import { geometry } from "../../textract/block-parts.ts";
import { boxAround, type Field, meanConfidence } from "./form-fields.ts";

/** A question as the request has it. */
export interface PageQuery {
  Text: string;
  Alias?: string;
  /** Numbers, ranges (`2-4`, `4-*`) or `*`; left out: the first page. */
  Pages?: string[];
}

/** QUERY blocks of the questions that are asked of a page, and QUERY_RESULT blocks of those that a field answers. */
export function queryBlocks(
  page: number,
  queries: readonly PageQuery[],
  fields: readonly Field[],
  id: (name: string) => string,
): Block[] {
  return queries.flatMap((query, at): Block[] => {
    if (!isAskedOf(page, query.Pages ?? ["1"])) return [];
    const field = answeringField(query.Text, fields);
    const answerId = id(`query/${at}/answer`);
    const asked: Block = {
      BlockType: "QUERY",
      Id: id(`query/${at}`),
      ...(field === undefined ? {} : { Relationships: [{ Type: "ANSWER", Ids: [answerId] }] }),
      Page: page,
      // Without the pages: Amazon's own parser refuses a member that it does not know.
      Query: { Text: query.Text, ...(query.Alias === undefined ? {} : { Alias: query.Alias }) },
    };
    if (field === undefined) return [asked];
    const answer: Block = {
      BlockType: "QUERY_RESULT",
      Confidence: meanConfidence(field.value),
      Text: textOf(field.value),
      Geometry: geometry(boxAround(field.value)),
      Id: answerId,
      Page: page,
    };
    return [asked, answer];
  });
}

function isAskedOf(page: number, pages: readonly string[]): boolean {
  return pages.some((range) => {
    if (range === "*") return true;
    const [first = "", last = first] = range.split("-");
    return page >= Number(first) && (last === "*" || page <= Number(last));
  });
}

/** The field with the longest key of which every word is in the question. */
function answeringField(question: string, fields: readonly Field[]): Field | undefined {
  const asked = new Set(plainWords(question));
  let best: { field: Field; words: number } | undefined;
  for (const field of fields) {
    const words = plainWords(textOf(field.key));
    if (words.length === 0 || !words.every((word) => asked.has(word))) continue;
    if (best === undefined || words.length > best.words) best = { field, words: words.length };
  }
  return best?.field;
}

function plainWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function textOf(words: readonly Block[]): string {
  return words.map(({ Text = "" }) => Text).join(" ");
}
