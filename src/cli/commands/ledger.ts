import { type Command, InvalidArgumentError, Option } from "commander";
import type { ExpiringEntry } from "../../client/ledger/expiring-results.ts";
import type { LedgerEntry, LedgerFilter } from "../../client/ledger/read-ledger.ts";
import type { JobRecords } from "../../client/ledger/recorded-jobs.ts";
import { TextractJobState } from "../../database/generated/enums.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, note, output, print, printJson } from "../output.ts";
import { formatCount, plural } from "../render/format.ts";
import { renderDifference, renderExpiring, renderLedger, renderTotals } from "../render/ledger-table.ts";

interface Options extends CommonOptions {
  project?: string;
  region?: string;
  state?: TextractJobState;
  since?: Date;
  limit: number;
  /** Days. */
  expiring?: number;
  reconcile?: boolean;
  cloudtrail?: string[];
  ask: boolean;
  rate?: number;
}

/** `docket ledger`: every attempt that was meant to be paid, and whether Textract says the same. */
export function defineLedger(program: Command): void {
  defineCommand(program, {
    usage: "ledger",
    summary: "show what Textract was paid for, and compare it with what was run",
    description:
      "Every attempt at a Textract job with its pages and cost, and the sums by month, project and region; these also " +
      "count what was paid for documents that were deleted since, which the list has not any more. With " +
      "--reconcile: asks Textract about each job of the last seven days (one small, free Get each), compares with the " +
      "ledger that the endpoint itself serves (the local one does) and with exports of CloudTrail, and lists every " +
      "difference. With --expiring: the paid results that are not stored yet, the first to be forgotten by Textract first, " +
      "with the time until when each can be had (seven days from its start). The list itself needs the database alone.",
    examples: [
      "docket ledger --project smith-v-jones --since 2026-11",
      "docket ledger --expiring",
      "docket ledger --reconcile",
      "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=textract.amazonaws.com > trail.json && docket ledger --reconcile --cloudtrail trail.json",
    ],
    json: "one JSON object an attempt, then one with the totals; with --expiring one an attempt, with documentStatus and expiresAt; with --reconcile one a difference, then one with the counts",
    exits: { 0: "done; with --reconcile: everything agrees", 2: "--reconcile found a difference" },
  })
    .option("--project <slug>", "only attempts for documents of this project", parseProject)
    .option("--region <region>", "only attempts in this region of AWS")
    .addOption(new Option("--state <state>", "only attempts in it").choices(Object.values(TextractJobState)))
    .option("--since <date>", "only attempts from this day or month on (2026-11-25, 2026-11; UTC)", parseSince)
    .option("--limit <count>", "attempts in the table, from its beginning (--json has all)", parseNumber, 50)
    .addOption(
      new Option(
        "--expiring [days]",
        "only paid results that are not stored yet and that Textract forgets within so many days (default: 1, as " +
          "docket_results_expiring counts them), these first",
      )
        .preset("1")
        .argParser(parseDays)
        .conflicts(["reconcile", "cloudtrail"]),
    )
    .option("--reconcile", "compare with what Textract says was run")
    .option("--cloudtrail <file...>", "compare with exports of CloudTrail, too (implies --reconcile)")
    .option("--no-ask", "with --reconcile: do not ask Textract itself")
    .option("--rate <count>", "Gets a second (default: half of the region's quota)", parseNumber)
    .action(runs((options: Options) => (options.reconcile || options.cloudtrail ? reconcile(options) : show(options))));
}

function show(options: Options): Promise<number> {
  return options.expiring === undefined ? list(options) : showExpiring(options, options.expiring);
}

async function showExpiring(options: Options, days: number): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { listExpiring } = await import("../../client/ledger/expiring-results.ts");
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    const shown: ExpiringEntry[] = [];
    let count = 0;
    for await (const entry of listExpiring(database, filterOf(options), days)) {
      count += 1;
      if (output.closed) break;
      if (options.json) await printJson(expiringJson(entry));
      else if (shown.length < options.limit) shown.push(entry);
    }
    if (options.json) return exitCodes.complete;
    const when = plural(days, "day");
    if (count === 0) await print(`Textract forgets no paid result within ${when} that is not stored.`);
    else {
      await print(renderExpiring(shown, colorsFor(process.stdout), new Date()));
      note(
        "`docket redrive DOCUMENT` fetches those of documents that are failed, incomplete or cancelled; `docket status` " +
          "says what those wait for that are processing. One that is complete needs nothing: handing it in anew is paid.",
      );
    }
    if (count > shown.length)
      note(`The first ${shown.length} of ${formatCount(count)} to be forgotten; --limit shows more.`);
    return exitCodes.complete;
  });
}

async function list(options: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  const { ledgerTotals, listLedger } = await import("../../client/ledger/read-ledger.ts");
  const filter = filterOf(options);
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    const shown: LedgerEntry[] = [];
    let more = false;
    for await (const entry of listLedger(database, filter)) {
      more = !options.json && shown.length >= options.limit;
      if (more || output.closed) break;
      if (options.json) await printJson(entryJson(entry));
      else shown.push(entry);
    }
    const totals = await ledgerTotals(database, filter);
    const color = colorsFor(process.stdout);
    if (options.json) await printJson({ totals });
    else if (totals.length === 0 && shown.length === 0) await print("No attempt was ever made, or none that matches.");
    else {
      // All that was paid may be of documents that were deleted since.
      const tables = shown.length === 0 ? [] : [renderLedger(shown, color)];
      await print([...tables, renderTotals(totals, color)].join("\n\n"));
    }
    if (more) note(`The newest ${plural(shown.length, "attempt")}; --limit shows more, the sums are over all.`);
    return exitCodes.complete;
  });
}

async function reconcile(options: Options): Promise<number> {
  const records = await import("../../client/ledger/recorded-jobs.ts");
  const trails = options.cloudtrail === undefined ? [] : [await records.readCloudTrail(options.cloudtrail)];
  const { attach, noWait, withDatabase } = await import("../stack/find-services.ts");
  if (!options.ask)
    return withDatabase(options.dataDirectory, noWait, (database) => compare(options, database, trails, null));
  await attach(options.dataDirectory);
  const [{ loadConfig }, { createTextractApis }, { quotasOf }] = await Promise.all([
    import("../../config.ts"),
    import("../../textract/textract-api.ts"),
    import("../../textract/quotas.ts"),
  ]);
  const { endpoint, getPerSecond } = loadConfig().textract;
  const own = endpoint === undefined ? null : await records.readEndpointLedger(endpoint);
  // Nobody else retries for this command, so the SDK does.
  const apis = createTextractApis({ endpoint, maxAttempts: 5 });
  // The other half is for the documents that are under way.
  const perSecond = (region: string) =>
    options.rate ?? (getPerSecond?.regions[region] ?? getPerSecond?.every ?? quotasOf(region).getText) / 2;
  try {
    const textract = { inRegion: apis.inRegion, perSecond };
    return await withDatabase(options.dataDirectory, noWait, (database) =>
      compare(options, database, own === null ? trails : [own, ...trails], textract),
    );
  } finally {
    apis.close();
  }
}

type Reconcile = typeof import("../../client/ledger/reconcile.ts").reconcile;
type Ports = Parameters<Reconcile>[0];

async function compare(
  options: Options,
  database: Ports["database"],
  records: JobRecords[],
  textract: Ports["textract"],
): Promise<number> {
  const { reconcile: run } = await import("../../client/ledger/reconcile.ts");
  const color = colorsFor(process.stdout);
  let said = Date.now();
  const counts = await run({
    database,
    filter: filterOf(options),
    records,
    textract,
    onDifference: (difference) => (options.json ? printJson(difference) : print(renderDifference(difference, color))),
    onProgress(asked) {
      if (Date.now() - said < 10_000) return;
      said = Date.now();
      note(`${plural(asked, "job")} asked for`);
    },
  });
  if (options.json) await printJson(counts);
  else {
    const others = counts.others === 0 ? "" : `, ${formatCount(counts.others)} of other programs`;
    const deleted = counts.deleted === 0 ? "" : `, ${formatCount(counts.deleted)} of deleted documents`;
    await print(
      `${plural(counts.rows, "attempt")} in the ledger, ${plural(counts.asked, "job")} asked for, ` +
        `${formatCount(counts.recorded)} in other records${others}${deleted}: ${plural(counts.differences, "difference")}`,
    );
  }
  return counts.differences === 0 ? exitCodes.complete : exitCodes.documentFailed;
}

function filterOf({ project, region, state, since }: Options): LedgerFilter {
  return {
    ...(project === undefined ? {} : { project }),
    ...(region === undefined ? {} : { region }),
    ...(state === undefined ? {} : { state }),
    ...(since === undefined ? {} : { since }),
  };
}

function entryJson({ token: _, underWay: __, documentStatus: ___, ...entry }: LedgerEntry) {
  return entry;
}

function expiringJson({ token: _, underWay: __, ...entry }: ExpiringEntry) {
  return entry;
}

function parseSince(value: string): Date {
  const date = new Date(/^\d{4}-\d\d$/.test(value) ? `${value}-01` : value);
  if (/^\d{4}-\d\d(-\d\d)?$/.test(value) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("A date is YYYY-MM-DD, or YYYY-MM for a month.");
}

function parseDays(value: string): number {
  const days = Number(value);
  if (value.trim() !== "" && days > 0 && days <= 7) return days;
  throw new InvalidArgumentError("It is a number of days, at most the 7 for which Textract keeps a result.");
}

function parseNumber(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("It is a whole number above 0.");
}
