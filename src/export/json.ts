import type { ExportInput } from "./export-input.ts";

/** Version of the shape that `docs/export.md` describes; it changes only by addition. */
export const jsonVersion = 1;

/** A document as one JSON object, a page on each line, so that a large one can be written and read in pieces. */
export async function* toJson({ document, pages }: ExportInput): AsyncGenerator<string> {
  yield `{"format":"docket-document","version":${jsonVersion},"document":${JSON.stringify(document)},"pages":[\n`;
  let first = true;
  for await (const { writtenBy: _, rawKey: __, numberInJob: ___, ...page } of pages()) {
    yield `${first ? "" : ",\n"}${JSON.stringify(page)}`;
    first = false;
  }
  yield "\n]}\n";
}
