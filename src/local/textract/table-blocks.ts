import type { Block } from "@aws-sdk/client-textract";
import type { Box, RecognizedPage } from "../../contract/page.ts";
import { boxOf } from "../../textract/block-box.ts";
import { childrenOf, geometry } from "../../textract/block-parts.ts";
import { findRuledTables, type RuledCell, type RuledTable } from "./ruled-tables.ts";

/** Borders that the document draws itself are no estimate; below 100, because not every grid is a table. */
const confidence = 99;

/**
 * TABLE, CELL and MERGED_CELL blocks of the tables whose borders a page draws. As Textract has it, there is a CELL for
 * every place of the grid, and a MERGED_CELL has those that it covers as children.
 */
export function tableBlocks(page: RecognizedPage, words: readonly Block[], id: (name: string) => string): Block[] {
  return findRuledTables(page.rules ?? []).flatMap((table, at) => {
    const name = `table/${at}`;
    const plain: Block[] = [];
    const merged: Block[] = [];
    for (const cell of table.cells) {
      const parts = placesOf(cell).map((place) => toCell("CELL", place, `${name}/${place.row}/${place.column}`));
      plain.push(...parts);
      if (parts.length > 1) merged.push(mergedCell(cell, parts, `${name}/merged/${cell.row}/${cell.column}`));
    }
    plain.sort((a, b) => (a.RowIndex ?? 0) - (b.RowIndex ?? 0) || (a.ColumnIndex ?? 0) - (b.ColumnIndex ?? 0));
    const relationships = [
      ...(childrenOf(plain).Relationships ?? []),
      ...(merged.length === 0 ? [] : [{ Type: "MERGED_CELL" as const, Ids: merged.flatMap((cell) => cell.Id ?? []) }]),
    ];
    const whole: Block = {
      BlockType: "TABLE",
      Confidence: confidence,
      Geometry: geometry(
        boxBetween(table, { row: 1, column: 1, rowSpan: table.y.length - 1, columnSpan: table.x.length - 1 }),
      ),
      Id: id(name),
      Relationships: relationships,
      EntityTypes: ["STRUCTURED_TABLE"],
      Page: page.number,
    };
    return [whole, ...plain, ...merged];

    function toCell(type: "CELL" | "MERGED_CELL", place: RuledCell, cellName: string): Block {
      const box = boxBetween(table, place);
      return {
        BlockType: type,
        Confidence: confidence,
        RowIndex: place.row,
        ColumnIndex: place.column,
        RowSpan: place.rowSpan,
        ColumnSpan: place.columnSpan,
        Geometry: geometry(box),
        Id: id(cellName),
        ...(type === "CELL" ? childrenOf(words.filter((word) => stands(boxOf(word), box))) : {}),
        Page: page.number,
      };
    }

    function mergedCell(cell: RuledCell, parts: Block[], cellName: string): Block {
      return { ...toCell("MERGED_CELL", cell, cellName), ...childrenOf(parts) };
    }
  });
}

function placesOf({ row, column, rowSpan, columnSpan }: RuledCell): RuledCell[] {
  return Array.from({ length: rowSpan * columnSpan }, (_, at) => ({
    row: row + Math.floor(at / columnSpan),
    column: column + (at % columnSpan),
    rowSpan: 1,
    columnSpan: 1,
  }));
}

function boxBetween({ x, y }: RuledTable, { row, column, rowSpan, columnSpan }: RuledCell): Box {
  const [left = 0, right = 0] = [x[column - 1], x[column - 1 + columnSpan]];
  const [top = 0, bottom = 0] = [y[row - 1], y[row - 1 + rowSpan]];
  return { left, top, width: right - left, height: bottom - top };
}

/** A word belongs to the place in which its middle is; the left and upper lines belong to a place. */
function stands(word: Box, place: Box): boolean {
  const [x, y] = [word.left + word.width / 2, word.top + word.height / 2];
  return x >= place.left && x < place.left + place.width && y >= place.top && y < place.top + place.height;
}
