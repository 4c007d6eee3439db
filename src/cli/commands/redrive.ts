import { type Command, InvalidArgumentError } from "commander";
import type { Redrive } from "../../client/redrive.ts";
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
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  project?: string;
  type?: FailureType;
  batch?: string;
  priority?: number;
  dryRun?: boolean;
}

/** `docket redrive`: starts failed and incomplete documents again. */
export function defineRedrive(program: Command): void {
  const command = defineCommand(program, {
    usage: "redrive [documents...]",
    summary: "start failed and incomplete documents again; --dry-run tells what that costs",
    description:
      "Starts documents again that failed or lack pages: the named ones (ids, beginnings of ids, file names), those of a " +
      "failure type, a project or a batch, or with --all every one. What is paid already is not paid again: pages that are " +
      "stored, and results that Textract still has. Documents whose paid result expires within a day are started first. " +
      "--dry-run shows all of it and starts nothing.",
    examples: [
      "docket redrive --all --dry-run",
      "docket redrive --type ObjectForbidden --project smith-v-jones",
      "docket redrive 7a9c42d3",
    ],
    json: "one JSON object a document: documentId, fileName, project, failureType, free, billedPages, billedUsd, resultExpiresAt, urgent, started, failure",
    exits: { 0: "every document is started (or would be)", 2: "some document could not be started" },
  });
  withServiceWait(command, 60)
    .option("--all", "every document that failed or lacks pages")
    .option("--type <type>", "only this type of failure", parseFailureType)
    .option("--project <slug>", "only documents of this project", parseProject)
    .option("--batch <id>", "only documents of this batch; its id or the beginning of it")
    .option("--priority <1-5>", "1 is first, 5 is last (default: 3)", parsePriority)
    .option("--dry-run", "tell what is free and what is billed, and start nothing")
    .action(runs((documents: string[], options: Options & { all?: boolean }) => redrive(documents, options)));
}

async function redrive(references: string[], options: Options & { all?: boolean }): Promise<number> {
  const named = [options.type, options.project, options.batch].some((option) => option !== undefined);
  const chosen = references.length > 0 || named || options.all;
  if (!chosen && !options.dryRun) {
    throw new DocketError("InvalidInput", "Nothing is named that could be started again.", {
      remedy: "Name documents, a failure type with --type, a project with --project, a batch with --batch, or --all.",
    });
  }
  const [{ noWait, withDatabase, withServices }, { findRedrives, startRedrive }] = await Promise.all([
    import("../stack/find-services.ts"),
    import("../../client/redrive.ts"),
  ]);
  const tally = new Tally();
  const find = async (database: Database) =>
    findRedrives(database, await filterOf(database, references, options), new Date());

  if (options.dryRun) {
    await withDatabase(options.dataDirectory, noWait, async (database) => {
      for await (const redrive of await find(database)) {
        tally.add(redrive);
        await tell(redrive, false, options);
        if (output.closed) break;
      }
    });
  } else {
    await withServices(options.dataDirectory, { seconds: options.serviceWait }, async (services, _, wait) => {
      for await (const redrive of await find(services.database)) {
        try {
          await wait.through(() => startRedrive(services, redrive, options.priority));
          tally.add(redrive);
          await tell(redrive, true, options);
        } catch (error) {
          const { failureOf } = await import("../../client/failure-of.ts");
          const failure = failureOf(error);
          tally.failed += 1;
          if (options.json) await printJson({ ...toJson(redrive, false), failure });
          else note(renderFailure(redrive.fileName, failure, colorsFor(process.stderr)));
        }
      }
    });
  }
  note(tally.words(options.dryRun ?? false));
  return tally.failed === 0 ? exitCodes.complete : exitCodes.documentFailed;
}

async function filterOf(database: Database, references: string[], { type, project, batch }: Options) {
  const { resolveBatch } = await import("../../client/batches.ts");
  const batchId = batch === undefined ? undefined : await resolveBatch(database, batch);
  return { ids: await idsOf(database, references), type, project, batchId };
}

async function idsOf(database: Database, references: string[]): Promise<string[] | undefined> {
  if (references.length === 0) return undefined;
  const { readDocuments, resolveDocument } = await import("../../client/read-documents.ts");
  const ids: string[] = [];
  for (const reference of references) ids.push(await resolveDocument(database, reference));
  for (const { documentId, status } of await readDocuments(database, ids)) {
    if (status === "complete") note(`${documentId} is complete; \`docket submit --force\` makes a new paid attempt.`);
    else if (status === "processing" || status === "received") note(`${documentId} is under way already.`);
  }
  return ids;
}

async function tell(redrive: Redrive, started: boolean, { json }: Options): Promise<void> {
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
    `${documentId}  ${shorten(printableLine(fileName), 40)}  ${failureType ?? redrive.status}  ${parts.join("; ")}`,
  );
  if (urgent && resultExpiresAt !== null) {
    const color = colorsFor(process.stderr);
    const name = printableLine(fileName);
    note(color.yellow(`! The paid result of ${name} expires at ${formatTime(resultExpiresAt)}; it is fetched first.`));
  }
}

function toJson(redrive: Redrive, started: boolean) {
  const { input: _, runId: __, ...shown } = redrive;
  return { ...shown, started, failure: null };
}

/** What all of it comes to. */
class Tally {
  failed = 0;
  #documents = 0;
  #pages = 0;
  #usd = 0;
  #unknown = 0;
  #urgent = 0;

  add({ billedPages, billedUsd, urgent }: Redrive): void {
    this.#documents += 1;
    this.#pages += billedPages ?? 0;
    this.#usd += billedUsd ?? 0;
    if (billedPages === null) this.#unknown += 1;
    if (urgent) this.#urgent += 1;
  }

  words(dryRun: boolean): string {
    if (this.#documents === 0 && this.failed === 0) return "Nothing is to be started again.";
    const unknown =
      this.#unknown === 0 ? "" : `, and ${plural(this.#unknown, "document")} whose pages were never counted`;
    const urgent = this.#urgent === 0 ? "" : `\n${plural(this.#urgent, "paid result")} of these expire within a day.`;
    return (
      `${plural(this.#documents, "document")} ${dryRun ? "would be started" : "started"}; billed at most: ` +
      `${plural(this.#pages, "page")}, ${formatUsd(this.#usd)}${unknown}.${urgent}`
    );
  }
}

function parsePriority(value: string): number {
  if (/^[1-5]$/.test(value)) return Number(value);
  throw new InvalidArgumentError("A priority is a whole number from 1 (first) to 5 (last).");
}
