import { readFile, stat } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { note, printJson } from "../output.ts";
import { printableLine } from "../render/printable.ts";

interface Options extends CommonOptions {
  file?: string;
  by: string;
  remove?: boolean;
}

/** Four bytes for each of the most characters that a correction may have. */
const mostBytes = 4_000_000;

/** `docket correct`: a person's text of a page, beside what was recognised. */
export function defineCorrect(program: Command): void {
  defineCommand(program, {
    usage: "correct <document> <page>",
    summary: "store a person's text of a page beside what was recognised",
    description:
      "Stores the text of a file as the text of a page, with who corrected it and when. From then on `docket text`, " +
      "`docket search` and `docket export` (text, Markdown, JSON) give this text; what was recognised, with its words and " +
      "their places, is kept (`docket text --recognised`). Correcting again replaces the correction; --remove takes it " +
      "away. The document's events name every correction.",
    examples: [
      "docket correct 7a9c42d3 4 --file page-4.txt --by 'Ann Miller'",
      "docket correct 7a9c42d3 4 --remove --by 'Ann Miller'",
    ],
    json: "one JSON object: documentId, page, characters, by, at; with --remove: documentId, page, removed",
    exits: { 0: "done", 2: null },
  })
    .option("--file <path>", "UTF-8 text of the page")
    .requiredOption("--by <name>", "who corrected it", parseName)
    .option("--remove", "take the correction away")
    .action(runs((document: string, page: string, options: Options) => correct(document, parsePage(page), options)));
}

async function correct(reference: string, page: number, options: Options): Promise<number> {
  const { by, file, remove, json } = options;
  if ((file === undefined) === (remove === undefined)) {
    throw new DocketError("InvalidInput", "Either --file or --remove is needed.", {
      remedy: "Name the file that holds the page's text with --file, or take a correction away with --remove.",
    });
  }
  const text = file === undefined ? null : await readText(file);
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const [{ correctPage, removeCorrection }, { resolveDocument }] = await Promise.all([
    import("../../database/page-corrections.ts"),
    import("../../client/read-documents.ts"),
  ]);
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    const documentId = await resolveDocument(database, reference);
    if (text === null) {
      const removed = await removeCorrection(database, { documentId, page, by });
      if (json) await printJson({ documentId, page, removed });
      else note(removed ? `Page ${page}: the recognised text counts again.` : `Page ${page} has no correction.`);
      return exitCodes.complete;
    }
    const { text: _, ...stored } = await correctPage(database, { documentId, page, text, by });
    if (json) await printJson({ documentId, page, ...stored });
    else note(`Page ${page} of ${documentId}: ${stored.characters} characters by ${printableLine(by)}.`);
    return exitCodes.complete;
  });
}

async function readText(path: string): Promise<string> {
  const status = await stat(path).catch((error: Error) => unreadable(path, `cannot be read: ${error.message}`, error));
  if (!status.isFile()) unreadable(path, "is not a file");
  if (status.size > mostBytes) unreadable(path, `has ${status.size} bytes; a page's text has at most ${mostBytes}`);
  const bytes = await readFile(path);
  try {
    // A line feed at the end is the editor's, not the page's.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\r\n", "\n").replace(/\n$/, "");
  } catch (error) {
    return unreadable(path, "is not UTF-8 text", error);
  }
}

function unreadable(path: string, why: string, cause?: unknown): never {
  throw new DocketError("FileUnreadable", `${path} ${why}.`, { cause });
}

function parsePage(value: string): number {
  const page = Number(value);
  if (Number.isInteger(page) && page > 0) return page;
  throw new DocketError("InvalidInput", `${value} is no page: pages are counted from 1.`);
}

function parseName(value: string): string {
  const name = value.trim();
  if (name.length > 0 && name.length <= 200) return name;
  throw new InvalidArgumentError("A name has 1 to 200 characters.");
}
