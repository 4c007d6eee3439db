import { type Command, InvalidArgumentError, Option } from "commander";
import type { Services } from "../../client/connect.ts";
import type { Redrive } from "../../client/redrive.ts";
import type { ServiceWait } from "../../client/service-wait.ts";
import { DocketError, type FailureType } from "../../contract/failures.ts";
import type { Database } from "../../database/client.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { parseFailureType } from "../failure-type-option.ts";
import { colorsFor, note, output, print, printJson } from "../output.ts";
import { renderFailure } from "../render/document-table.ts";
import { formatTime, formatUsd, plural } from "../render/format.ts";
import { printableLine, shorten } from "../render/printable.ts";
import { RedriveTally } from "../render/redrive-tally.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  project?: string;
  type?: FailureType;
  batch?: string;
  priority?: number;
  all?: boolean;
  lost?: boolean;
  dryRun?: boolean;
}

/** `docket redrive`: starts failed and incomplete documents again, or those that Temporal has lost. */
export function defineRedrive(program: Command): void {
  const command = defineCommand(program, {
    usage: "redrive [documents...]",
    summary: "start failed, incomplete or lost documents again; --dry-run tells what that costs",
    description:
      "Starts documents again that failed or lack pages: the named ones (ids, beginnings of ids, file names), those of a " +
      "failure type, a project or a batch, or with --all every one. What is paid already is not paid again: pages that are " +
      "stored, and results that Textract still has. Documents whose paid result expires within a day are started first. " +
      "--dry-run shows all of it and starts nothing. --lost means other documents: those that are open in the database " +
      "while no run works on them: Temporal does not know it (lost, deleted), or it is closed. Each is read " +
      "with the engine, features, questions and priority that it had, and keeps its name, source and custom fields; one " +
      "that a run works on is left alone.",
    examples: [
      "docket redrive --all --dry-run",
      "docket redrive --type ObjectForbidden --project smith-v-jones",
      "docket redrive 7a9c42d3",
      "docket redrive --lost --dry-run",
    ],
    json: "one JSON object a document: documentId, fileName, project, failureType, free, billedPages, billedUsd, resultExpiresAt, urgent, started, failure",
    exits: { 0: "every document is started (or would be)", 2: "some document could not be started" },
  });
  withServiceWait(command, 60)
    .option("--all", "every document that failed or lacks pages")
    .addOption(
      new Option("--lost", "documents that are open, and that no run of Temporal's works on any more").conflicts([
        "all",
        "type",
      ]),
    )
    .option("--type <type>", "only this type of failure", parseFailureType)
    .option("--project <slug>", "only documents of this project", parseProject)
    .option("--batch <id>", "only documents of this batch; its id or the beginning of it")
    .option("--priority <1-5>", "1 is first, 5 is last (default: 3; with --lost: what it was)", parsePriority)
    .option("--dry-run", "tell what is free and what is billed, and start nothing")
    .action(runs((documents: string[], options: Options) => redrive(documents, options)));
}

async function redrive(references: string[], options: Options): Promise<number> {
  const named = [options.type, options.project, options.batch].some((option) => option !== undefined);
  const chosen = references.length > 0 || named || options.all || options.lost;
  if (!chosen && !options.dryRun) {
    throw new DocketError("InvalidInput", "Nothing is named that could be started again.", {
      remedy:
        "Name documents, a failure type with --type, a project with --project, a batch with --batch, --all, or --lost.",
    });
  }
  const { noWait, withDatabase, withServices } = await import("../stack/find-services.ts");
  const tally = new RedriveTally();
  if (options.dryRun && !options.lost) {
    const { findRedrives } = await import("../../client/redrive.ts");
    await withDatabase(options.dataDirectory, noWait, async (database) => {
      const filter = await filterOf(database, references, options);
      await each(findRedrives(database, filter, new Date()), null, tally, options);
    });
  } else {
    await withServices(options.dataDirectory, { seconds: options.serviceWait }, async (services, _, wait) => {
      const { startRedrive } = await import("../../client/redrive.ts");
      const filter = await filterOf(services.database, references, options);
      const found = await find(services, filter, wait, tally, options);
      const start = (redrive: Redrive) => wait.through(() => startRedrive(services, redrive, options.priority));
      await each(found, options.dryRun ? null : start, tally, options);
    });
  }
  note(tally.words(options.dryRun ?? false));
  return tally.failed === 0 ? exitCodes.complete : exitCodes.documentFailed;
}

type Filter = Awaited<ReturnType<typeof filterOf>>;

async function find(services: Services, filter: Filter, wait: ServiceWait, tally: RedriveTally, { lost }: Options) {
  if (!lost) return (await import("../../client/redrive.ts")).findRedrives(services.database, filter, new Date());
  const { findLost } = await import("../../client/lost-documents.ts");
  const { address, namespace } = services.config.temporal;
  tally.asked = `Temporal at ${address}, namespace ${namespace}`;
  return findLost(services, filter, new Date(), {
    through: (ask) => wait.through(ask),
    onLeft: () => tally.leave(),
  });
}

/** Tells of each document, and starts it unless `start` is null. One that cannot be started keeps no other back. */
async function each(
  found: AsyncIterable<Redrive>,
  start: ((redrive: Redrive) => Promise<void>) | null,
  tally: RedriveTally,
  options: Options,
): Promise<void> {
  for await (const redrive of found) {
    try {
      await start?.(redrive);
      tally.add(redrive);
      await tell(redrive, start !== null, options);
    } catch (error) {
      const { failureOf } = await import("../../client/failure-of.ts");
      const failure = failureOf(error);
      tally.failed += 1;
      if (options.json) await printJson({ ...toJson(redrive, false), failure });
      else note(renderFailure(redrive.fileName, failure, colorsFor(process.stderr)));
    }
    // What is to be started is started all the same.
    if (start === null && output.closed) break;
  }
}

async function filterOf(database: Database, references: string[], { type, project, batch, lost }: Options) {
  const { resolveBatch } = await import("../../client/batches.ts");
  const batchId = batch === undefined ? undefined : await resolveBatch(database, batch);
  return { ids: await idsOf(database, references, lost ?? false), type, project, batchId };
}

async function idsOf(database: Database, references: string[], lost: boolean): Promise<string[] | undefined> {
  if (references.length === 0) return undefined;
  const { readDocuments, resolveDocument } = await import("../../client/read-documents.ts");
  const ids: string[] = [];
  for (const reference of references) ids.push(await resolveDocument(database, reference));
  for (const { documentId, status } of await readDocuments(database, ids)) {
    const open = status === "processing" || status === "received";
    if (status === "complete") note(`${documentId} is complete; \`docket submit --force\` makes a new paid attempt.`);
    else if (open && !lost) note(`${documentId} is under way already; with --lost it is started if Temporal lost it.`);
    else if (!open && lost) note(`${documentId} is ${status}; without --lost it is started again.`);
  }
  return ids;
}

async function tell(redrive: Redrive, started: boolean, { json, lost }: Options): Promise<void> {
  if (json) return printJson(toJson(redrive, started));
  const { documentId, fileName, failureType, free, billedPages, billedUsd, resultExpiresAt, urgent } = redrive;
  const bill =
    billedPages === null
      ? "billed: all its pages, not counted yet"
      : billedPages === 0
        ? "billed: nothing"
        : `billed: ${plural(billedPages, "page")}, ${formatUsd(billedUsd ?? 0)}`;
  const parts = [free === null ? null : `free: ${free}`, bill].filter((part) => part !== null);
  await print(
    `${documentId}  ${shorten(printableLine(fileName), 40)}  ${lost ? "lost" : (failureType ?? redrive.status)}  ${parts.join("; ")}`,
  );
  if (urgent && resultExpiresAt !== null) {
    const color = colorsFor(process.stderr);
    const name = printableLine(fileName);
    note(color.yellow(`! The paid result of ${name} expires at ${formatTime(resultExpiresAt)}; it is fetched first.`));
  }
}

function toJson(redrive: Redrive, started: boolean) {
  const { input: _, workflowId: __, runId: ___, ...shown } = redrive;
  return { ...shown, started, failure: null };
}

function parsePriority(value: string): number {
  if (/^[1-5]$/.test(value)) return Number(value);
  throw new InvalidArgumentError("A priority is a whole number from 1 (first) to 5 (last).");
}
