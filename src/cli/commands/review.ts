import { type Command, InvalidArgumentError } from "commander";
import type { DoubtfulPage } from "../../database/page-corrections.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { invocation } from "../invocation.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import { renderColumns } from "../render/columns.ts";
import { printableLine, shorten } from "../render/printable.ts";

interface Options extends CommonOptions {
  below: number;
  project?: string;
  limit: number;
}

/** `docket review`: pages that somebody should look at. */
export function defineReview(program: Command): void {
  defineCommand(program, {
    usage: "review",
    summary: "list pages whose text is doubtful, the least certain first",
    description:
      "Lists pages whose mean confidence is below a limit and that nobody has corrected yet. `docket text DOCUMENT` shows " +
      "what was recognised, `docket correct` stores a better text beside it. Works without a running stack, too.",
    examples: ["docket review", "docket review --below 60 --project smith-v-jones"],
    json: "one JSON object a page: documentId, fileName, project, page, confidence, characters, beginning",
    exits: { 0: "done; finding nothing is 0, too", 2: null },
  })
    .option("--below <confidence>", "only pages below it, 0 to 100", parseConfidence, 80)
    .option("--project <slug>", "only documents of this project", parseProject)
    .option("--limit <count>", "pages to show, at most 10,000", parseLimit, 50)
    .action(runs((options: Options) => review(options)));
}

async function review({ below, project, limit, json, dataDirectory }: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { doubtfulPages } = await import("../../database/page-corrections.ts");
  return withDatabase(dataDirectory, noWait, async (database) => {
    const pages = await doubtfulPages(database, { below, project: project ?? null, limit });
    if (json) for (const page of pages) await printJson(page);
    else if (pages.length > 0) await print(renderPages(pages));
    if (json) return exitCodes.complete;
    if (pages.length === 0) note(`No page that nobody has corrected is below ${below}.`);
    else note(`\nA better text: ${invocation()} correct DOCUMENT PAGE --file corrected.txt --by NAME`);
    return exitCodes.complete;
  });
}

function renderPages(pages: readonly DoubtfulPage[]): string {
  const color = colorsFor(process.stdout);
  const columns = [
    { title: "document" },
    { title: "page", align: "right" as const },
    { title: "confidence", align: "right" as const },
    { title: "file" },
    { title: "begins with" },
  ];
  const rows = pages.map(({ documentId, page, confidence, fileName, beginning }) => [
    documentId,
    String(page),
    confidence.toFixed(1),
    shorten(printableLine(fileName ?? ""), 30),
    color.dim(shorten(printableLine(beginning), 50)),
  ]);
  return renderColumns(columns, rows);
}

function parseConfidence(value: string): number {
  const below = Number(value);
  if (value.trim() !== "" && below >= 0 && below <= 100) return below;
  throw new InvalidArgumentError("A confidence is a number from 0 to 100.");
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0 && limit <= 10_000) return limit;
  throw new InvalidArgumentError("A limit is a whole number from 1 to 10,000.");
}
