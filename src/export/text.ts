import type { ExportInput } from "./export-input.ts";

/** A document's text as `docket text` prints it: every page ends with a line feed, a form feed parts two pages. */
export async function* toText({ pages }: ExportInput): AsyncGenerator<string> {
  let before = "";
  for await (const { text } of pages()) {
    const lines = text.replaceAll("\f", "\n");
    yield `${before}${lines === "" || lines.endsWith("\n") ? lines : `${lines}\n`}`;
    before = "\f";
  }
}
