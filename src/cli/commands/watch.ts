import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Services } from "../../client/connect.ts";
import type { Discovered } from "../../client/discover-documents.ts";
import type { DocumentFilter } from "../../client/read-documents.ts";
import type { ServiceWait } from "../../client/service-wait.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Interruption, interruptible } from "../interrupt.ts";
import { note, printJson } from "../output.ts";
import type { FileResult } from "../render/document-table.ts";
import { resultJson } from "../render/result-json.ts";
import { createDisplay } from "../run/create-display.ts";
import { endedProgress, type FileProgress, foundProgress, startedProgress, totalsOf } from "../run/progress-view.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  project?: string;
}

const lookEveryMilliseconds = 1000;
const discoverEveryMilliseconds = 5000;

/** `docket watch`: follows what is under way. */
export function defineWatch(program: Command): void {
  const command = defineCommand(program, {
    usage: "watch [documents...]",
    summary: "follow documents until all have ended",
    description:
      "Follows the named documents (ids, beginnings of ids, or file names), or all that have not ended, those that are " +
      "handed in meanwhile included. Ctrl-C only stops watching.",
    examples: ["docket watch", "docket watch --project invoices --json"],
    json: "one JSON object a document as it ends, with the fields of `docket run --json`",
  });
  withServiceWait(command, 600)
    .option("--project <slug>", "only documents of this project", parseProject)
    .addHelpText("after", "  130  stopped by Ctrl-C; the documents go on")
    .action(runs((documents: string[], options: Options) => watch(documents, options)));
}

async function watch(references: string[], options: Options): Promise<number> {
  const { withServices } = await import("../stack/find-services.ts");
  const interruption = interruptible();
  try {
    const waiting = { seconds: options.serviceWait, signal: interruption.signal };
    return await withServices(options.dataDirectory, waiting, (services, stack, wait) =>
      follow(references, options, services, stack?.textractStatus ?? null, wait, interruption),
    );
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null) throw error;
    note("Stopped watching; the documents go on.");
    return code;
  } finally {
    interruption.dispose();
  }
}

async function follow(
  references: string[],
  options: Options,
  services: Services,
  textractStatus: string | null,
  serviceWait: ServiceWait,
  interruption: Interruption,
): Promise<number> {
  const { signal } = interruption;
  const [{ DocumentFollower }, { PageRate }, { printTable, exitCodeOf }, { discover }] = await Promise.all([
    import("../../client/follow-documents.ts"),
    import("../run/page-rate.ts"),
    import("../run/print-results.ts"),
    import("../../client/discover-documents.ts"),
  ]);
  const follower = new DocumentFollower(services, textractStatus);
  const display = await createDisplay();
  const rate = new PageRate();
  const files = new Map<string, FileProgress>();
  const results: FileResult[] = [];
  const ended = new Set<string>();
  const filter: DocumentFilter = options.project === undefined ? {} : { project: options.project };
  const show = (outage = follower.trouble) => {
    const shown = [...files.values()];
    const totals = totalsOf(shown);
    rate.add(Date.now(), totals.pagesDone);
    const millisecondsLeft = totals.pagesKnown ? rate.millisecondsFor(totals.pages - totals.pagesDone) : null;
    display.update({ files: shown, pagesPerMinute: rate.perMinute(), millisecondsLeft, trouble: outage });
  };
  const wait = serviceWait.toldTo((outage) => show(outage ?? follower.trouble));
  const discovered = async () => {
    const documents: Discovered[] = [];
    for await (const document of discover(services, references, filter)) documents.push(document);
    return documents;
  };
  let discoveredAt = Number.NEGATIVE_INFINITY;
  let found = 0;

  try {
    while (true) {
      signal.throwIfAborted();
      const named = references.length > 0;
      if (Date.now() - discoveredAt >= discoverEveryMilliseconds && !(named && found > 0)) {
        discoveredAt = Date.now();
        found = 0;
        for (const document of await wait.through(discovered)) {
          found += 1;
          const known = follower.documents.get(document.documentId);
          // The list of workflows lags behind: one that ended here may stand there as running for a moment.
          if (known !== undefined && (known.outcome === null || document.runId !== null)) continue;
          ended.delete(document.documentId);
          follower.add(document);
          files.set(document.documentId, foundProgress(document.fileName ?? document.documentId));
        }
      }
      await follower.look();
      for (const document of follower.documents.values()) {
        const progress = files.get(document.documentId);
        if (progress === undefined || ended.has(document.documentId)) continue;
        const { outcome } = document;
        progress.name = document.fileName ?? progress.name;
        Object.assign(progress, outcome === null ? startedProgress(document) : endedProgress(outcome, false));
        if (outcome === null) continue;
        ended.add(document.documentId);
        results.push({ file: progress.name, outcome, reused: false });
        if (options.json) await printJson(resultJson(progress.name, outcome));
      }
      show();
      if (follower.open === 0 && follower.trouble === null) {
        if (named || found === 0) break;
        // Those that ended were under way at the last discovery: look once more whether others came.
        discoveredAt = Number.NEGATIVE_INFINITY;
      }
      await sleep(lookEveryMilliseconds, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    display.end();
    note("Stopped watching; the documents go on.");
    return interruption.exitCode() ?? exitCodes.interrupted;
  } finally {
    display.end();
  }
  if (results.length === 0) note("Nothing is under way.");
  else if (!options.json) await printTable(results);
  return exitCodeOf(results);
}
