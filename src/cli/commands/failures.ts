import type { Command } from "commander";
import type { FailureType } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { parseFailureType } from "../failure-type-option.ts";
import { invocation } from "../invocation.ts";
import { type Colors, colorsFor, note, print, printJson } from "../output.ts";
import { plural } from "../render/format.ts";
import { printableLine, shorten } from "../render/printable.ts";

interface Options extends CommonOptions {
  project?: string;
  type?: FailureType;
  batch?: string;
}

/** `docket failures`: what has failed, by type, with the remedy of each. */
export function defineFailures(program: Command): void {
  defineCommand(program, {
    usage: "failures",
    summary: "show what has failed, by type, with the remedy of each",
    description:
      "Groups the documents that failed, lack pages or were cancelled by the type of their failure, the most frequent " +
      "first, with what can be done about each. `docket redrive` starts them again. Works without a running stack, too.",
    examples: ["docket failures", "docket failures --project smith-v-jones --json"],
    json: "one JSON object a type: type, documents, incomplete, projects, remedy, newest",
    exits: { 0: "nothing has failed", 2: "something has failed" },
  })
    .option("--project <slug>", "only documents of this project", parseProject)
    .option("--type <type>", "only this type of failure", parseFailureType)
    .option("--batch <id>", "only documents of this batch; its id or the beginning of it")
    .action(runs((options: Options) => failures(options)));
}

async function failures({ json, project, type, batch, dataDirectory }: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { groupFailures } = await import("../../client/failure-groups.ts");
  const { resolveBatch } = await import("../../client/batches.ts");
  return withDatabase(dataDirectory, noWait, async (database) => {
    const batchId = batch === undefined ? undefined : await resolveBatch(database, batch);
    const groups = await groupFailures(database, { project, type, batchId });
    const color = colorsFor(process.stdout);
    for (const group of groups) await (json ? printJson(group) : print(renderGroup(group, color)));
    if (groups.length === 0) {
      if (!json) note("Nothing has failed.");
      return exitCodes.complete;
    }
    if (!json) note(`\n\`${invocation()} redrive --dry-run\` tells what starting them again costs.`);
    return exitCodes.documentFailed;
  });
}

type Group = Awaited<ReturnType<typeof import("../../client/failure-groups.ts").groupFailures>>[number];

function renderGroup(group: Group, color: Colors): string {
  const { type, documents, incomplete, projects, remedy, newest } = group;
  const partly = incomplete === 0 ? "" : `, ${incomplete === documents ? "" : `${incomplete} of them `}with some pages`;
  const shown = projects.slice(0, 5).join(", ") + (projects.length > 5 ? `, and ${projects.length - 5} more` : "");
  return [
    `${color.red("✗")} ${color.bold(type)}: ${plural(documents, "document")}${partly} (${shown})`,
    `    newest: ${newest.documentId}  ${shorten(printableLine(newest.message), 300)}`,
    `    ${color.dim("remedy:")} ${printableLine(remedy)}`,
  ].join("\n");
}
