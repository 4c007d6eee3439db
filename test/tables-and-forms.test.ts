import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Block } from "@aws-sdk/client-textract";
import { TextractDocument } from "amazon-textract-response-parser";
import { parse } from "csv-parse/sync";
import { PDFDocument, rgb, StandardFonts } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { validateInput } from "#docket/contract/valid-input";
import { tableCsv } from "#docket/export/analysis";
import { csvRow } from "#docket/export/csv";
import { analysePage } from "#docket/textract/page-analysis";
import { docket, useStack } from "./support/stack.ts";

const stack = useStack();

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

describe("a born-digital page with a ruled table, read through the whole of Docket", () => {
  const project = `analysis-${randomUUID().slice(0, 8)}`;
  const features = ["TABLES", "FORMS"];
  const queries = [
    { text: "What is the invoice number?", alias: "number" },
    { text: "Who signed?", alias: "signer" },
  ];
  let folder: string;
  let documentId: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "docket-tables-"));
    await writeFile(join(folder, "invoice.pdf"), await ruledInvoice());
    const { code, stdout, stderr } = await docket([
      ...["submit", "--wait", "--json", "--project", project, "--features", features.join().toLowerCase()],
      ...queries.flatMap(({ text, alias }) => ["--query", `${alias}=${text}`]),
      join(folder, "invoice.pdf"),
    ]);
    expect(code, stderr).toBe(0);
    const outcome = JSON.parse(stdout);
    documentId = outcome.documentId;
    // Two pages; TABLES, FORMS and QUERIES by the price file.
    expect(outcome).toMatchObject({ status: "complete", pages: 2, costUsd: 0.16 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function exported(format: string): Promise<string> {
    const { code, stdout, stderr } = await docket(["export", documentId, "--format", format]);
    expect(code, stderr).toBe(0);
    return stdout;
  }

  it("gives a CSV file for each table, with its merged cell", async () => {
    const { code, stdout, stderr } = await docket([
      ...["export", documentId, "--format", "tables-csv", "-o", join(folder, "tables"), "--json"],
    ]);
    expect(code, stderr).toBe(0);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ page, file }) => [page, basename(file)])).toEqual([
      [1, `invoice-${documentId.slice(0, 13)}.page-1-table-1.csv`],
      [2, `invoice-${documentId.slice(0, 13)}.page-2-table-1.csv`],
    ]);
    const rows = parse(await readFile(lines[0].file, "utf8"), { record_delimiter: "\r\n" });
    expect(rows).toEqual([
      ["Work, by hand", "Hours", "Price"],
      ["Draft", "2", "400.00"],
      ["'=Review", "11", "-25.00"],
      ["Total", "", "375.00"],
    ]);
  });

  it("gives its fields and the answers of each page", async () => {
    const forms = parse(await exported("forms-csv"), { columns: true });
    expect(forms).toMatchObject([
      { page: "1", key: "Invoice Number:", value: "2024-17" },
      { page: "1", key: "Due:", value: "June 3" },
      { page: "2", key: "Invoice Number:", value: "2024-17" },
      { page: "2", key: "Due:", value: "June 3" },
    ]);
    const answers: Record<string, string>[] = parse(await exported("queries-csv"), { columns: true });
    expect(answers.map(({ page, alias, query, answer }) => [page, alias, query, answer])).toEqual(
      [1, 2].flatMap((page) => [
        [String(page), "number", queries[0]?.text, "2024-17"],
        [String(page), "signer", queries[1]?.text, ""],
      ]),
    );
    const analysis = JSON.parse(await exported("analysis"));
    expect(analysis.document.features).toEqual([
      ...["FORMS", "QUERIES", "QUERY[number] What is the invoice number?", "QUERY[signer] Who signed?", "TABLES"],
    ]);
    expect(analysis.pages[0].tables[0]).toMatchObject({ rows: 4, columns: 3 });
  });

  it("is Textract JSON whose tables and fields Amazon's parser reads", async () => {
    const document = new TextractDocument(JSON.parse(await exported("textract")));
    const page = document.pageNumber(1);
    const table = page.tableAtIndex(0);
    expect([table.nRows, table.nColumns]).toEqual([4, 3]);
    expect(table.cellAt(4, 2)?.text).toBe("Total");
    expect(page.form.getFieldByKey("Invoice Number:")?.value?.text).toBe("2024-17");
    expect(page.queries.getQueryByAlias("number")?.topResult?.text).toBe("2024-17");
  });

  it("is other paid work with other questions, and the same with the same", async () => {
    const handIn = (question: string) =>
      docket([
        ...["submit", "--wait", "--json", "--project", project, "--features", "FORMS,TABLES"],
        ...["--query", `number=${question}`, "--query", "signer=Who signed?", join(folder, "invoice.pdf")],
      ]);
    const same = await handIn("What is the invoice number?");
    expect(JSON.parse(same.stdout)).toMatchObject({ documentId, status: "complete", textractJobs: 1 });
    const other = await handIn("When is it due?");
    expect(JSON.parse(other.stdout)).toMatchObject({ documentId, status: "complete", textractJobs: 2 });
    const jobs = await stack.database.textractJob.findMany({ where: { documentId }, orderBy: { attempt: "asc" } });
    expect(jobs.map(({ features }) => features.filter((feature) => feature.startsWith("QUERY")))).toEqual([
      ["QUERY[number] What is the invoice number?", "QUERY[signer] Who signed?"],
      ["QUERY[number] When is it due?", "QUERY[signer] Who signed?"],
    ]);
    const answers: Record<string, string>[] = parse(await exported("queries-csv"), { columns: true });
    expect(answers.map(({ answer }) => answer)).toEqual(["June 3", "", "June 3", ""]);
  });

  it("says what is missing where a document was read without the feature", async () => {
    const document = await stack.upload(`${project}/plain.pdf`, join(folder, "invoice.pdf"));
    const input = { document, project: `${project}-plain` };
    const started = { taskQueue: "documents", workflowId: `${project}-plain`, args: [input] };
    const plain = await stack.client.workflow.execute("processDocument", started);
    const { code, stderr } = await docket(["export", plain.documentId, "--format", "forms-csv"]);
    expect(code).toBe(2);
    expect(stderr).toContain("was read by textract without FORMS");
    expect(stderr).toContain("--features FORMS");
  });

  it.each([
    [{ features: ["QUERIES"] }, /features has QUERIES, which needs a question/],
    [{ queries: [{ text: "W\u00e4r?" }] }, /queries\.0\.text must be printable ASCII/],
    [{ queries: Array.from({ length: 31 }, (_, i) => ({ text: `Question ${i}` })) }, /queries must .*30/],
    [{ queries: [{ text: "Who?", alias: "a b" }] }, /queries\.0\.alias must be letters/],
  ])("refuses %j with its reason", (wrong, reason) => {
    const document = { bucket: "bucket", key: "key" };
    expect(() => validateInput({ document, ...wrong })).toThrow(reason);
  });
});

/** Two pages with fields, and a table of which one cell spans two columns; its borders are drawn in three ways. */
async function ruledInvoice(): Promise<Uint8Array> {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  const rows = [
    ["Work, by hand", "Hours", "Price"],
    ["Draft", "2", "400.00"],
    ["=Review", "11", "-25.00"],
    ["Total", "", "375.00"],
  ];
  const x = [60, 260, 400, 540];
  const y = [600, 570, 540, 510, 480];
  for (const number of [1, 2]) {
    const page = pdf.addPage([612, 792]);
    const write = (text: string, left: number, bottom: number) =>
      page.drawText(text, { x: left, y: bottom, size: 12, font });
    write("Invoice Number: 2024-17", 60, 720);
    write("Due:", 60, 690);
    write("June 3", 300, 690);
    write("These are our services of the month of May for the whole of the matter", 60, 640);
    for (const bottom of y) {
      if (number === 1) page.drawLine({ start: { x: 60, y: bottom }, end: { x: 540, y: bottom }, thickness: 1 });
      else page.drawRectangle({ x: 60, y: bottom, width: 480, height: 0.8, color: rgb(0, 0, 0) });
    }
    x.forEach((left, at) => {
      // The last row's first two cells are one.
      const end = at === 1 ? 510 : 480;
      page.drawLine({ start: { x: left, y: 600 }, end: { x: left, y: end }, thickness: 1 });
    });
    rows.forEach((cells, row) => {
      for (const [column, text] of cells.entries()) write(text, (x[column] ?? 0) + 8, (y[row] ?? 0) - 20);
    });
    write(`Signature and stamp of the clerk on page ${number} of the two pages that there are`, 60, 400);
  }
  return pdf.save();
}
