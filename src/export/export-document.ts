import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { toAlto } from "./alto.ts";
import { documentTables, tableCsv, toAnalysisJson, toFormsCsv, toQueriesCsv } from "./analysis.ts";
import { type WrittenFile, writeAtomically } from "./atomic-file.ts";
import type { ExportFormat } from "./export-formats.ts";
import type { ExportInput } from "./export-input.ts";
import { toHocr } from "./hocr.ts";
import { toJson } from "./json.ts";
import { toMarkdown } from "./markdown.ts";
import { toText } from "./text.ts";
import { toTextractJson } from "./textract-json.ts";

/** Formats that are one stream of text. */
export type TextFormat = Exclude<ExportFormat, "pdf" | "tables-csv">;

const writers: Record<TextFormat, (input: ExportInput) => AsyncGenerator<string>> = {
  text: toText,
  markdown: toMarkdown,
  json: toJson,
  textract: toTextractJson,
  "forms-csv": toFormsCsv,
  "queries-csv": toQueriesCsv,
  analysis: toAnalysisJson,
  hocr: toHocr,
  alto: toAlto,
};

/** What became of an export. */
export interface ExportResult extends WrittenFile {
  /** What a person should know of the file; null: nothing. */
  note: string | null;
}

/** A document in a format, piece by piece. @throws {DocketError} as the format does */
export function exportPieces(input: ExportInput, format: TextFormat): AsyncGenerator<string> {
  return writers[format](input);
}

/**
 * Writes a document to a file; a file that is there is replaced when the new one is whole.
 * @throws {DocketError} as the format does
 */
export async function exportToFile(
  input: ExportInput,
  format: TextFormat | "pdf",
  path: string,
): Promise<ExportResult> {
  let note: string | null = null;
  const written = await writeAtomically(path, async (temporary) => {
    if (format === "pdf") {
      const { writeSearchablePdf } = await import("./pdf/searchable-pdf.ts");
      note = (await writeSearchablePdf(input, temporary)).note;
    } else {
      await pipeline(Readable.from(exportPieces(input, format)), createWriteStream(temporary));
    }
  });
  return { ...written, note };
}

/** What became of one table. */
export interface ExportedTable extends WrittenFile {
  file: string;
  page: number;
}

/**
 * Writes each table of a document to a file of its own, named by page and number.
 * @param nameOf the file's name, by what tells the table from the document's others
 * @throws {DocketError} `InvalidInput` when the document was read without TABLES
 */
export async function* exportTables(
  input: ExportInput,
  folder: string,
  nameOf: (part: string) => string,
): AsyncGenerator<ExportedTable> {
  for await (const { page, number, table } of documentTables(input)) {
    const file = join(folder, nameOf(`page-${page}-table-${number}`));
    const written = await writeAtomically(file, (temporary) =>
      pipeline(Readable.from(tableCsv(table)), createWriteStream(temporary)),
    );
    yield { file, page, ...written };
  }
}
