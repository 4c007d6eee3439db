import type { Block, RelationshipType } from "@aws-sdk/client-textract";
import type { Box } from "../contract/page.ts";
import { boxOf } from "./block-box.ts";

/** A cell of a table; a merged one stands for all that it covers. */
export interface TableCell {
  /** 1-based, of the top left corner. */
  row: number;
  column: number;
  rowSpan: number;
  columnSpan: number;
  text: string;
  /** 0-100; of a merged cell the lowest of those that it covers. */
  confidence: number;
  /** Textract's words for what the cell is: `COLUMN_HEADER`, `TABLE_SUMMARY` and the like. */
  kinds: string[];
}

export interface Table {
  rows: number;
  columns: number;
  title: string | null;
  footers: string[];
  /** 0-100. */
  confidence: number;
  box: Box;
  /** By row, then by column; none for places that a merged cell covers. */
  cells: TableCell[];
}

/** A key of a form with its value; a check box's value is `SELECTED` or `NOT_SELECTED`. */
export interface FormField {
  key: string;
  value: string;
  /** 0-100. */
  keyConfidence: number;
  /** 0-100; null where the key has no value. */
  valueConfidence: number | null;
  box: Box;
}

export interface QueryAnswer {
  query: string;
  alias: string | null;
  /** Null where Textract found none. */
  answer: string | null;
  /** 0-100; null without an answer. */
  confidence: number | null;
}

/** Something on the page that is no text of its own: a signature, a part of the layout. */
export interface PlacedItem {
  /** Textract's block type. */
  type: string;
  text: string;
  /** 0-100. */
  confidence: number;
  box: Box;
}

/** What Textract found on a page beyond its lines. */
export interface PageAnalysis {
  tables: Table[];
  forms: FormField[];
  queries: QueryAnswer[];
  signatures: PlacedItem[];
  layout: PlacedItem[];
}

/** Reads what StartDocumentAnalysis found on a page out of all of that page's blocks. */
export function analysePage(blocks: readonly Block[]): PageAnalysis {
  const graph = new BlockGraph(blocks);
  const ofType = (type: string) => blocks.filter((block) => block.BlockType === type);
  return {
    tables: ofType("TABLE").map((table) => toTable(graph, table)),
    forms: ofType("KEY_VALUE_SET")
      .filter((block) => block.EntityTypes?.includes("KEY"))
      .map((key) => toField(graph, key)),
    queries: ofType("QUERY").flatMap((query) => toAnswers(graph, query)),
    signatures: ofType("SIGNATURE").map((block) => toPlaced(graph, block)),
    layout: blocks.filter((block) => block.BlockType?.startsWith("LAYOUT_")).map((block) => toPlaced(graph, block)),
  };
}

/** Blocks by their ids; a relationship to a block that is not there leads nowhere. */
class BlockGraph {
  readonly #byId: Map<string, Block>;

  constructor(blocks: readonly Block[]) {
    this.#byId = new Map(blocks.map((block) => [block.Id ?? "", block]));
  }

  related(block: Block, type: RelationshipType): Block[] {
    const ids = block.Relationships?.filter((relation) => relation.Type === type).flatMap(({ Ids }) => Ids ?? []);
    return (ids ?? []).flatMap((id) => this.#byId.get(id) ?? []);
  }

  /** Words and check boxes below a block, in its order. */
  text(block: Block): string {
    return this.related(block, "CHILD")
      .flatMap((child) => {
        if (child.BlockType === "SELECTION_ELEMENT") return child.SelectionStatus ?? [];
        return child.Text ?? this.text(child);
      })
      .filter((text) => text !== "")
      .join(" ");
  }
}

function toTable(graph: BlockGraph, block: Block): Table {
  const plain = graph.related(block, "CHILD").filter((child) => child.BlockType === "CELL");
  const merged = graph.related(block, "MERGED_CELL");
  const covered = new Set(merged.flatMap((cell) => graph.related(cell, "CHILD")));
  const cells = [...plain.filter((cell) => !covered.has(cell)), ...merged].map((cell) => toCell(graph, cell));
  cells.sort((a, b) => a.row - b.row || a.column - b.column);
  return {
    rows: cells.reduce((most, { row, rowSpan }) => Math.max(most, row + rowSpan - 1), 0),
    columns: cells.reduce((most, { column, columnSpan }) => Math.max(most, column + columnSpan - 1), 0),
    title: graph.related(block, "TABLE_TITLE").map((title) => graph.text(title))[0] ?? null,
    footers: graph.related(block, "TABLE_FOOTER").map((footer) => graph.text(footer)),
    confidence: block.Confidence ?? 0,
    box: boxOf(block),
    cells,
  };
}

function toCell(graph: BlockGraph, block: Block): TableCell {
  const parts = block.BlockType === "MERGED_CELL" ? graph.related(block, "CHILD") : [];
  return {
    row: block.RowIndex ?? 1,
    column: block.ColumnIndex ?? 1,
    rowSpan: block.RowSpan ?? 1,
    columnSpan: block.ColumnSpan ?? 1,
    text: graph.text(block),
    confidence: parts.reduce((least, part) => Math.min(least, part.Confidence ?? 0), block.Confidence ?? 0),
    kinds: [...new Set([block, ...parts].flatMap(({ EntityTypes }) => EntityTypes ?? []))],
  };
}

function toField(graph: BlockGraph, key: Block): FormField {
  const values = graph.related(key, "VALUE");
  return {
    key: graph.text(key),
    value: values.map((value) => graph.text(value)).join(" "),
    keyConfidence: key.Confidence ?? 0,
    valueConfidence: values[0]?.Confidence ?? null,
    box: boxOf(key),
  };
}

function toAnswers(graph: BlockGraph, block: Block): QueryAnswer[] {
  const asked = { query: block.Query?.Text ?? "", alias: block.Query?.Alias ?? null };
  const answers = graph.related(block, "ANSWER");
  if (answers.length === 0) return [{ ...asked, answer: null, confidence: null }];
  return answers.map(({ Text = "", Confidence = 0 }) => ({ ...asked, answer: Text, confidence: Confidence }));
}

function toPlaced(graph: BlockGraph, block: Block): PlacedItem {
  return {
    type: block.BlockType ?? "",
    text: graph.text(block),
    confidence: block.Confidence ?? 0,
    box: boxOf(block),
  };
}
