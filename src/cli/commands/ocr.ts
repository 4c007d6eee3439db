import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { interruptible } from "../interrupt.ts";
import { colorsFor, isTerminal, note, printJson, writeDocumentText } from "../output.ts";
import { renderFailure } from "../render/document-table.ts";
import { plural } from "../render/format.ts";
import { pageText } from "../render/page-text.ts";

/** `docket ocr`: the local recogniser alone. */
export function defineOcr(program: Command): void {
  defineCommand(program, {
    usage: "ocr <file>",
    summary: "read one file with the local recogniser, without any service",
    description:
      "Reads a PDF, TIFF, JPEG or PNG on this machine, page by page, in a child process of bounded memory, and prints " +
      "its text with a form feed between the pages. A text layer that can be trusted is taken as it is. The limits are " +
      "the variables DOCKET_OCR_* (docs/configuration.md).",
    examples: ["docket ocr scan.pdf > scan.txt", "docket ocr scan.tiff --json | jq .confidence"],
    json: "one JSON object a page, with its lines, words and geometry",
  })
    .addHelpText("after", "     (2 also when a page could not be read: the others are printed)")
    .action(runs((file: string, options: CommonOptions) => ocr(file, options)));
}

async function ocr(file: string, options: CommonOptions): Promise<number> {
  const { recognizeDocument } = await import("../../ocr/recognize-document.ts");
  const { loadOcrSettings } = await import("../../config.ts");
  const limits = loadOcrSettings();
  const interruption = interruptible();
  const { signal } = interruption;
  const color = colorsFor(process.stderr);
  const counter = createCounter();
  let last = 0;
  try {
    const { failures } = await recognizeDocument({
      file: resolve(file),
      name: basename(file),
      limits,
      signal,
      onStart: ({ pages }) => counter.start(pages),
      async onPage(page) {
        counter.page(page.number);
        if (options.json) return printJson(page);
        // A page that could not be read keeps its place.
        const breaks = "\f".repeat(Math.max(0, page.number - Math.max(1, last)));
        last = page.number;
        return writeDocumentText(breaks + pageText(page.text));
      },
    });
    counter.end();
    for (const { page, failure } of failures) note(renderFailure(`${file}, page ${page}`, failure, color));
    return failures.length === 0 ? exitCodes.complete : exitCodes.documentFailed;
  } catch (error) {
    counter.end();
    if (signal.aborted) return interruption.exitCode() ?? exitCodes.interrupted;
    const ofUsage = ["FileUnreadable", "InvalidInput"];
    if (!(error instanceof DocketError) || ofUsage.includes(error.type)) throw error;
    const failure = error.toFailure();
    note(options.json ? JSON.stringify({ error: failure }) : renderFailure(file, failure, color));
    return exitCodes.documentFailed;
  } finally {
    interruption.dispose();
  }
}

/** Counts pages on a terminal whose standard output goes elsewhere. */
function createCounter() {
  const shown = isTerminal(process.stderr) && !process.stdout.isTTY;
  let pages = 0;
  return {
    start(count: number) {
      pages = count;
    },
    page(number: number) {
      if (shown) process.stderr.write(`\r${number} of ${plural(pages, "page")}`);
    },
    end() {
      if (shown && pages > 0) note();
    },
  };
}
