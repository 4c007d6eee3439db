import { type Command, InvalidArgumentError } from "commander";
import type { Budget } from "../../database/project-budgets.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { print, printJson } from "../output.ts";
import { renderColumns } from "../render/columns.ts";
import { formatUsd } from "../render/format.ts";

interface Options extends CommonOptions {
  cap?: number;
  month?: boolean;
  remove?: boolean;
}

/** `docket budget`: what projects may spend on Textract, and what of it is spent. */
export function defineBudget(program: Command): void {
  defineCommand(program, {
    usage: "budget",
    summary: "show or set what a project may spend on Textract",
    description:
      "A document's expected price is reserved before Textract is asked, so that all workers together never exceed the " +
      "cap. At the cap documents wait and lose nothing; a higher cap lets them go on. What was spent before counts. " +
      "Works without a running stack, too.",
    examples: ["docket budget", "docket budget archive --cap 25.00", "docket budget archive --cap 100 --month"],
    json: "one JSON object a budget: project, capUsd, monthly, period, committedUsd, reachedAt",
    exits: { 0: "done", 2: null },
  })
    .argument("[project]", "its name", parseProject)
    .option("--cap <usd>", "US dollars that the project may spend", parseUsd)
    .option("--month", "the cap is for each calendar month (UTC); without it, for all time")
    .option("--remove", "take the cap away")
    .action(runs((project: string | undefined, options: Options) => budget(project, options)));
}

async function budget(project: string | undefined, options: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { readBudgets, removeBudget, setBudget } = await import("../../database/project-budgets.ts");
  const { DocketError } = await import("../../contract/failures.ts");
  const changes = options.cap !== undefined || options.remove === true;
  if (project === undefined && changes) {
    throw new DocketError("InvalidInput", "Whose budget is it?", {
      remedy: "Name the project: `docket budget PROJECT`.",
    });
  }
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    if (project !== undefined && options.cap !== undefined) {
      const { costOfJob } = await import("../../textract/prices.ts");
      const wanted = { project, capUsd: options.cap, monthly: options.month ?? false };
      await setBudget(database, wanted, ({ pages, features }) => costOfJob(pages, features));
    }
    if (project !== undefined && options.remove && !(await removeBudget(database, project))) {
      throw new DocketError("InvalidInput", `Project ${project} has no budget.`, {
        remedy: "`docket budget` lists them.",
      });
    }
    const budgets = await readBudgets(database, project);
    if (options.json) for (const row of budgets) await printJson(row);
    else if (budgets.length > 0) await print(renderBudgets(budgets));
    else await print(project === undefined ? "No project has a budget." : `Project ${project} has no budget.`);
    return exitCodes.complete;
  });
}

function renderBudgets(budgets: Budget[]): string {
  const right = "right" as const;
  const columns = [
    { title: "project" },
    { title: "cap", align: right },
    { title: "spent or reserved", align: right },
    { title: "of" },
    { title: "" },
  ];
  const rows = budgets.map(({ project, capUsd, committedUsd, monthly, period, reachedAt }) => [
    project,
    `$${capUsd.toFixed(2)}`,
    formatUsd(committedUsd),
    monthly ? period : "all time",
    reachedAt === null ? "" : "reached: documents wait",
  ]);
  return renderColumns(columns, rows);
}

function parseUsd(value: string): number {
  if (/^\d{1,7}(\.\d{1,6})?$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It is a sum in US dollars, as 25.00.");
}
