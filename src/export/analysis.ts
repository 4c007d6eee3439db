import { DocketError } from "../contract/failures.ts";
import { analysePage, type PageAnalysis, type Table } from "../textract/page-analysis.ts";
import { csvRow } from "./csv.ts";
import type { ExportInput } from "./export-input.ts";
import { documentBlocks } from "./raw-blocks.ts";

/** Places of a table's grid; more than any page holds. */
const maxTablePlaces = 250_000;

/** What was found on one page, with the page's number. */
interface AnalysedPage extends PageAnalysis {
  page: number;
}

/**
 * Tables, forms, answers, signatures and layout of each page, as JSON.
 * @throws {DocketError} `InvalidInput` when none of them was asked for; as the raw answers do
 */
export async function* toAnalysisJson(input: ExportInput): AsyncGenerator<string> {
  const { documentId, fileName, features } = input.document;
  const pages = analysedPages(input);
  yield `{"format":"docket-analysis","version":1,"document":${JSON.stringify({ documentId, fileName, features })},"pages":[\n`;
  let first = true;
  for await (const page of pages) {
    yield `${first ? "" : ",\n"}${JSON.stringify(page)}`;
    first = false;
  }
  yield "\n]}\n";
}

/** Keys and values as CSV. @throws {DocketError} `InvalidInput` when the document was read without FORMS */
export async function* toFormsCsv(input: ExportInput): AsyncGenerator<string> {
  const pages = analysedPages(input, "FORMS");
  yield csvRow(["page", "key", "value", "key_confidence", "value_confidence"]);
  for await (const { page, forms } of pages) {
    for (const { key, value, keyConfidence, valueConfidence } of forms) {
      yield csvRow([page, key, value, percent(keyConfidence), percent(valueConfidence)]);
    }
  }
}

/** Questions and answers as CSV. @throws {DocketError} `InvalidInput` when the document was read without queries */
export async function* toQueriesCsv(input: ExportInput): AsyncGenerator<string> {
  const pages = analysedPages(input, "QUERIES");
  yield csvRow(["page", "alias", "query", "answer", "confidence"]);
  for await (const { page, queries } of pages) {
    for (const { alias, query, answer, confidence } of queries) {
      yield csvRow([page, alias, query, answer, percent(confidence)]);
    }
  }
}

/** One table of a document. */
export interface DocumentTable {
  page: number;
  /** 1-based on its page. */
  number: number;
  table: Table;
}

/** A document's tables, page after page. @throws {DocketError} `InvalidInput` when it was read without TABLES */
export async function* documentTables(input: ExportInput): AsyncGenerator<DocumentTable> {
  for await (const { page, tables } of analysedPages(input, "TABLES")) {
    for (const [at, table] of tables.entries()) yield { page, number: at + 1, table };
  }
}

/**
 * A table as CSV, as many cells in each row as the table has columns. A merged cell's text stands at its top left; the
 * other places that it covers are empty.
 * @throws {DocketError} `Internal` when the table is larger than a page can be
 */
export function* tableCsv({ rows, columns, cells }: Table): Generator<string> {
  if (rows * columns > maxTablePlaces) {
    throw new DocketError("Internal", `A table of ${rows} rows and ${columns} columns does not stand on one page.`);
  }
  for (let row = 1; row <= rows; row++) {
    const line = Array<string>(columns).fill("");
    for (const cell of cells) if (cell.row === row) line[cell.column - 1] = cell.text;
    yield csvRow(line);
  }
}

/** @param feature that the document must have been read with; left out: any */
function analysedPages(input: ExportInput, feature?: string): AsyncGenerator<AnalysedPage> {
  const { fileName, features, engine } = input.document;
  if (feature === undefined ? features.length === 0 : !features.includes(feature)) {
    const what = feature ?? "features of analysis";
    throw new DocketError("InvalidInput", `${fileName} was read by ${engine} without ${what}.`, {
      remedy: `Hand it in again with --features ${feature ?? "TABLES,FORMS"}: a new attempt, which is billed.`,
    });
  }
  return analyse(input);
}

async function* analyse(input: ExportInput): AsyncGenerator<AnalysedPage> {
  for await (const { page, blocks } of documentBlocks(input)) yield { page, ...analysePage(blocks) };
}

function percent(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
