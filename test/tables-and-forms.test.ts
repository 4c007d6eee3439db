import type { Block } from "@aws-sdk/client-textract";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { tableCsv } from "#docket/export/analysis";
import { csvRow } from "#docket/export/csv";
import { analysePage } from "#docket/textract/page-analysis";

// Blocks in the shape that Textract's API reference gives them, made of the few members that matter here.
const word = (Id: string, Text: string): Block => ({ BlockType: "WORD", Id, Text, Confidence: 99 });
const children = (...Ids: string[]) => ({ Type: "CHILD" as const, Ids });
const cell = (Id: string, row: number, column: number, words: string[], more: Partial<Block> = {}): Block => ({
  ...{ BlockType: "CELL", Id, RowIndex: row, ColumnIndex: column, RowSpan: 1, ColumnSpan: 1, Confidence: 90 },
  ...(words.length === 0 ? {} : { Relationships: [children(...words)] }),
  ...more,
});

const grid: Block[] = [
  word("w-total", "Totals"),
  word("w-year", "2024"),
  word("w-name", "Name"),
  word("w-sum", "Sum"),
  word("w-a", "Acme"),
  word("w-1", "-12.50"),
  word("w-title", "Balances"),
  word("w-foot", "audited"),
  cell("c11", 1, 1, ["w-total"], { EntityTypes: ["TABLE_SECTION_TITLE"], Confidence: 80 }),
  cell("c12", 1, 2, ["w-year"]),
  cell("c21", 2, 1, ["w-name"], { EntityTypes: ["COLUMN_HEADER"] }),
  cell("c22", 2, 2, ["w-sum"], { EntityTypes: ["COLUMN_HEADER"] }),
  cell("c31", 3, 1, ["w-a"]),
  cell("c32", 3, 2, ["w-1"]),
  cell("c41", 4, 1, []),
  { BlockType: "TABLE_TITLE", Id: "title", Relationships: [children("w-title")] },
  { BlockType: "TABLE_FOOTER", Id: "footer", Relationships: [children("w-foot")] },
  {
    ...{ BlockType: "MERGED_CELL", Id: "m1", RowIndex: 1, ColumnIndex: 1, RowSpan: 1, ColumnSpan: 2, Confidence: 95 },
    Relationships: [children("c11", "c12")],
  },
  {
    ...{ BlockType: "TABLE", Id: "t1", Confidence: 97, EntityTypes: ["STRUCTURED_TABLE"] },
    Geometry: { BoundingBox: { Left: 0.1, Top: 0.2, Width: 0.5, Height: 0.3 } },
    Relationships: [
      children("c11", "c12", "c21", "c22", "c31", "c32", "c41"),
      { Type: "MERGED_CELL", Ids: ["m1"] },
      { Type: "TABLE_TITLE", Ids: ["title"] },
      { Type: "TABLE_FOOTER", Ids: ["footer"] },
    ],
  },
];

describe("what Textract found beyond text", () => {
  it("is tables, a merged cell standing for those that it covers", () => {
    const [table] = analysePage(grid).tables;
    expect(table).toMatchObject({ rows: 4, columns: 2, title: "Balances", footers: ["audited"], confidence: 97 });
    expect(table?.box).toEqual({ left: 0.1, top: 0.2, width: 0.5, height: 0.3 });
    const cells = table?.cells.map(({ row, column, columnSpan, text }) => [row, column, columnSpan, text]);
    expect(cells).toEqual([
      [1, 1, 2, "Totals 2024"],
      [2, 1, 1, "Name"],
      [2, 2, 1, "Sum"],
      [3, 1, 1, "Acme"],
      [3, 2, 1, "-12.50"],
      [4, 1, 1, ""],
    ]);
    expect(table?.cells[0]).toMatchObject({ confidence: 80, kinds: ["TABLE_SECTION_TITLE"] });
  });

  it("is written as CSV with as many cells in each row as the table has columns", () => {
    const [table] = analysePage(grid).tables;
    if (table === undefined) throw new Error("no table");
    const rows = parse([...tableCsv(table)].join(""), { record_delimiter: "\r\n" });
    expect(rows).toEqual([
      ["Totals 2024", ""],
      ["Name", "Sum"],
      ["Acme", "-12.50"],
      ["", ""],
    ]);
  });

  it("is keys with values and check boxes, answers, signatures and layout", () => {
    const blocks: Block[] = [
      word("w1", "Name:"),
      word("w2", "Ana"),
      word("w3", "Diaz"),
      word("w4", "Paid"),
      { BlockType: "SELECTION_ELEMENT", Id: "s1", SelectionStatus: "SELECTED" },
      { BlockType: "LINE", Id: "l1", Text: "Name: Ana Diaz", Relationships: [children("w1", "w2", "w3")] },
      {
        ...{ BlockType: "KEY_VALUE_SET", Id: "k1", EntityTypes: ["KEY"], Confidence: 91 },
        Relationships: [{ Type: "VALUE", Ids: ["v1"] }, children("w1")],
      },
      {
        ...{ BlockType: "KEY_VALUE_SET", Id: "v1", EntityTypes: ["VALUE"], Confidence: 88 },
        Relationships: [children("w2", "w3")],
      },
      {
        ...{ BlockType: "KEY_VALUE_SET", Id: "k2", EntityTypes: ["KEY"], Confidence: 70 },
        Relationships: [{ Type: "VALUE", Ids: ["v2"] }, children("w4")],
      },
      {
        ...{ BlockType: "KEY_VALUE_SET", Id: "v2", EntityTypes: ["VALUE"], Confidence: 71 },
        Relationships: [children("s1")],
      },
      { BlockType: "KEY_VALUE_SET", Id: "k3", EntityTypes: ["KEY"], Confidence: 60, Relationships: [children("w4")] },
      {
        ...{ BlockType: "QUERY", Id: "q1", Query: { Text: "Who paid?", Alias: "payer", Pages: ["*"] } },
        Relationships: [{ Type: "ANSWER", Ids: ["a1", "gone"] }],
      },
      { BlockType: "QUERY_RESULT", Id: "a1", Text: "Ana Diaz", Confidence: 66 },
      { BlockType: "QUERY", Id: "q2", Query: { Text: "When?" } },
      { BlockType: "SIGNATURE", Id: "g1", Confidence: 55 },
      { BlockType: "LAYOUT_TEXT", Id: "y1", Confidence: 77, Relationships: [children("l1")] },
    ];
    const found = analysePage(blocks);
    expect(found.forms.map(({ key, value, valueConfidence }) => [key, value, valueConfidence])).toEqual([
      ["Name:", "Ana Diaz", 88],
      ["Paid", "SELECTED", 71],
      ["Paid", "", null],
    ]);
    expect(found.queries).toEqual([
      { query: "Who paid?", alias: "payer", answer: "Ana Diaz", confidence: 66 },
      { query: "When?", alias: null, answer: null, confidence: null },
    ]);
    expect(found.signatures).toMatchObject([{ type: "SIGNATURE", confidence: 55 }]);
    expect(found.layout).toMatchObject([{ type: "LAYOUT_TEXT", text: "Name: Ana Diaz" }]);
    expect(found.tables).toEqual([]);
  });

  it.each([
    ["=1+1", "'=1+1"],
    ["+SUM(A1)", "'+SUM(A1)"],
    ["-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"],
    ["@SUM(1)", "'@SUM(1)"],
    [" =1", "' =1"],
    ["\t=1", "'\t=1"],
    ["\uff1d1", "'\uff1d1"],
    ["-12.50", "-12.50"],
    ["+1,000.00", "+1,000.00"],
    ["-$3.20", "-$3.20"],
    ["-5%", "-5%"],
    ['say "a", b\r\nc', 'say "a", b\r\nc'],
    ["a;b", "a;b"],
  ])("reads %j of a document as text in a spreadsheet", (text, safe) => {
    const [row] = parse(csvRow([text, 1, null]), { record_delimiter: "\r\n" });
    expect(row).toEqual([safe, "1", ""]);
  });
});
