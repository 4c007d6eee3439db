import { type Command, InvalidArgumentError } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, note, output, print, printJson } from "../output.ts";
import { plural } from "../render/format.ts";
import { renderFoundPage } from "../render/found-page.ts";

interface Options extends CommonOptions {
  project?: string;
  limit: number;
  anyStatus?: boolean;
}

/** `docket search`: pages by their text. */
export function defineSearch(program: Command): void {
  defineCommand(program, {
    usage: "search <phrase...>",
    summary: "find pages by their text, best first",
    description:
      'Finds the pages that hold all the words, in any of their English forms. In the phrase, "two words" in double ' +
      "quotes stand next to each other, `or` parts alternatives, and a minus before a word leaves out the pages that " +
      "hold it (put `--` before such a phrase). Only complete documents are searched, unless --any-status is given. " +
      "Works without a running stack, too.",
    examples: [
      "docket search harbour master",
      "docket search '\"notice of default\" or eviction -draft' --project smith-v-jones",
    ],
    json: "one JSON object a page: documentId, fileName, project, status, page, rank, snippet",
  })
    .option("--project <slug>", "only documents of this project", parseProject)
    .option("--limit <count>", "pages to show, at most 1,000", parseLimit, 10)
    .option("--any-status", "also pages of documents that are not complete, whose text may have gaps")
    .addHelpText("after", "     (not given by search; finding nothing is 0)")
    .action(runs((phrase: string[], options: Options) => search(phrase.join(" "), options)));
}

async function search(phrase: string, options: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { hasSearchWords, rankedPages, searchPages } = await import("../../database/search-pages.ts");
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    if (!(await hasSearchWords(database, phrase))) {
      throw new DocketError("InvalidInput", `There is nothing to look for in: ${phrase}`, {
        remedy: "Name at least one word; words like `the` and `of` are on every page and are not in the index.",
      });
    }
    const { pages, truncated } = await searchPages(database, {
      phrase,
      limit: options.limit,
      ...(options.project === undefined ? {} : { project: options.project }),
      ...(options.anyStatus ? {} : { statuses: ["complete"] }),
    });
    const color = colorsFor(process.stdout);
    for (const [i, page] of pages.entries()) {
      if (output.closed) break;
      if (options.json) await printJson(page);
      else await print((i === 0 ? "" : "\n") + renderFoundPage(page, color));
    }
    if (pages.length === 0) note(`No page of a${options.anyStatus ? "" : " complete"} document holds that.`);
    else if (truncated) note(`More than ${plural(rankedPages, "page")} match; a narrower phrase ranks all of them.`);
    return exitCodes.complete;
  });
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0 && limit <= 1000) return limit;
  throw new InvalidArgumentError("A limit is a whole number from 1 to 1,000.");
}
