import { type Command, InvalidArgumentError } from "commander";
import type { Retention } from "../../client/delete-documents.ts";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { note, print, printJson } from "../output.ts";
import { formatTime, plural } from "../render/format.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";
import { whoAsks } from "../who-asks.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  days?: number;
  off?: boolean;
  now?: boolean;
  withSource?: boolean;
  by?: string;
}

/** `docket retention`: how long a project's documents are kept. */
export function defineRetention(program: Command): void {
  const command = defineCommand(program, {
    usage: "retention",
    summary: "show or set how long a project's documents are kept",
    description:
      "With --days: once a day the project's documents that ended so many days ago are deleted, as `docket delete` does; " +
      "those under way never. Without an option: what is set; without a project: every project's. Temporal alone keeps " +
      "it, as a schedule (retention/PROJECT in its Web UI): save the list with your backups.",
    examples: [
      "docket retention smith-v-jones --days 90",
      "docket retention smith-v-jones --off",
      "docket retention --json > retentions.jsonl",
    ],
    json:
      "one JSON object a retention: project, days, withSource, requestedBy, nextAt, lastAt; with a project that has none: " +
      "days is null",
    exits: { 0: "done", 2: null },
  });
  withServiceWait(command, 60)
    .argument("[project]", "its name", parseProject)
    .option("--days <count>", "days after a document's end", parseDays)
    .option("--with-source", "also delete the objects that were handed in by their addresses")
    .option("--by <name>", "who wants it; kept with each deletion (default: your user name)")
    .option("--off", "keep the documents for good")
    .option("--now", "look now, and not only at the next time")
    .action(runs((project: string | undefined, options: Options) => retention(project, options)));
}

async function retention(project: string | undefined, options: Options): Promise<number> {
  const { days, off, now, json, withSource, by } = options;
  const changes = days !== undefined || off || now || withSource || by !== undefined;
  if (project === undefined && changes) {
    throw new DocketError("InvalidInput", "Whose documents are meant?", {
      remedy: "Name the project: `docket retention PROJECT`.",
    });
  }
  if (days !== undefined && off) throw new DocketError("InvalidInput", "--days and --off exclude each other.");
  const [{ withServices }, schedules] = await Promise.all([
    import("../stack/find-services.ts"),
    import("../../client/delete-documents.ts"),
  ]);
  return withServices(options.dataDirectory, { seconds: options.serviceWait }, async (services) => {
    if (project === undefined) {
      let none = true;
      for await (const set of schedules.listRetentions(services)) {
        none = false;
        await (json ? printJson(set) : print(words(set.project, set)));
      }
      if (none && !json) await print("No project has a retention: documents are kept for good.");
      return exitCodes.complete;
    }
    if (days !== undefined) {
      const requestedBy = whoAsks(options.by);
      const withSource = options.withSource ?? false;
      await schedules.setRetention(services, { project, days, withSource, requestedBy });
    }
    if (off) await schedules.removeRetention(services, project);
    if (now && !(await schedules.sweepNow(services, project))) {
      throw new DocketError("InvalidInput", `${project} has no retention.`, { remedy: "Set one with --days." });
    }
    const set = await schedules.readRetention(services, project);
    if (json) await printJson(set ?? { ...unset, project });
    else await print(words(project, set));
    if (now) note("Documents are looked for now.");
    return exitCodes.complete;
  });
}

const unset = { project: "", days: null, withSource: false, requestedBy: null, nextAt: null, lastAt: null };

function words(project: string, set: Retention | null): string {
  if (set === null) return `${project}: documents are kept for good.`;
  const next = set.nextAt === null ? "" : `; next look ${formatTime(set.nextAt)}`;
  const source = set.withSource ? ", together with the objects that were handed in" : "";
  return `${project}: documents are deleted ${plural(set.days, "day")} after their end${source}${next}.`;
}

function parseDays(value: string): number {
  const days = Number(value);
  if (Number.isInteger(days) && days >= 1 && days <= 36_500) return days;
  throw new InvalidArgumentError("It is a whole number of days, 1 to 36,500.");
}
