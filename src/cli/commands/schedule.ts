import { type Command, InvalidArgumentError } from "commander";
import { splitFeatures } from "../../contract/features.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { type DocumentOptions, handInOptions, withDocumentOptions } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { print, printJson } from "../output.ts";
import { renderColumns } from "../render/columns.ts";
import { formatDuration, formatTime } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";
import { parsePrefixAddress } from "../run/object-address.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, DocumentOptions, ServiceWaitOption {
  every: number;
}

/** `docket schedule`: S3 prefixes that are swept again and again. */
export function defineSchedule(program: Command): void {
  const command = defineCommand(program, {
    usage: "schedule <action> [prefix]",
    summary: "sweep an S3 prefix every so often: add, list, remove",
    description:
      "A Temporal Schedule that starts a batch of what is new under an S3 prefix. An object that was handed in before, " +
      "and has not changed since, is not handed in again. A sweep that still runs when the next is due does its work, too.",
    examples: [
      "docket schedule add s3://my-bucket/inbox/ --every 10m --project inbox",
      "docket schedule list",
      "docket schedule remove s3://my-bucket/inbox/",
    ],
    json: "one JSON object a schedule: source, everyMilliseconds, nextAt, lastAt; remove: as it was",
    exits: { 0: "done", 2: null },
  });
  withServiceWait(withDocumentOptions(command), 60)
    .option("--every <time>", "time between two sweeps, as 10m, 2h or 1d", parseEvery, 600_000)
    .action(runs((action: string, prefix: string | undefined, options: Options) => schedule(action, prefix, options)));
}

async function schedule(action: string, named: string | undefined, options: Options): Promise<number> {
  const { DocketError } = await import("../../contract/failures.ts");
  const remedy = "`docket schedule --help` shows how.";
  if (!["add", "list", "remove"].includes(action) || (action !== "list") !== (named !== undefined)) {
    throw new DocketError("InvalidInput", "It is add PREFIX, list, or remove PREFIX.", { remedy });
  }
  if (options.force) {
    throw new DocketError("InvalidInput", "--force would pay for objects again at each sweep.", {
      remedy: "Leave it out; `docket submit --force` reads a document anew.",
    });
  }
  const { withServices } = await import("../stack/find-services.ts");
  const { addSweep, listSweeps, removeSweep } = await import("../../client/schedules.ts");
  return withServices(options.dataDirectory, { seconds: options.serviceWait }, async (services) => {
    if (named !== undefined) {
      const source = parsePrefixAddress(named);
      const address = `s3://${source.bucket}/${source.prefix}`;
      const { priority = 3, project, engine, features } = handInOptions(options);
      const input = { source, project, engine, ...splitFeatures(features), priority };
      const sweep =
        action === "add"
          ? await addSweep(services, { input, everyMilliseconds: options.every })
          : await removeSweep(services, address);
      if (options.json) await printJson(sweep);
      else await print(action === "add" ? `${address} is swept.` : `${address} is swept no more.`);
      return exitCodes.complete;
    }
    const sweeps = await listSweeps(services);
    if (options.json) for (const sweep of sweeps) await printJson(sweep);
    else if (sweeps.length === 0) await print("There is no schedule.");
    else {
      const rows = sweeps.map(({ source, everyMilliseconds, nextAt, lastAt }) => [
        printableLine(source),
        everyMilliseconds === null ? "" : formatDuration(everyMilliseconds),
        lastAt === null ? "" : formatTime(lastAt),
        nextAt === null ? "" : formatTime(nextAt),
      ]);
      await print(renderColumns([{ title: "prefix" }, { title: "every" }, { title: "last" }, { title: "next" }], rows));
    }
    return exitCodes.complete;
  });
}

function parseEvery(value: string): number {
  const [, count, unit = "m"] = /^(\d{1,5})([smhd])$/.exec(value) ?? [];
  const milliseconds = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 0;
  if (count !== undefined && Number(count) * milliseconds >= 10_000) return Number(count) * milliseconds;
  throw new InvalidArgumentError("It is a time of ten seconds or more, as 30s, 10m, 2h or 1d.");
}
