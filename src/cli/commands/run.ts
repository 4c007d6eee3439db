import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Services } from "../../client/connect.ts";
import { failureOf } from "../../client/failure-of.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { type DocumentOptions, handInOptions, withDocumentOptions } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Interruption, interruptible, untilAborted } from "../interrupt.ts";
import { invocation } from "../invocation.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import type { FileResult } from "../render/document-table.ts";
import { plural } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";
import { resultJson } from "../render/result-json.ts";
import { renderClosing } from "../run/closing-words.ts";
import { createDisplay } from "../run/create-display.ts";
import type { Display } from "../run/display.ts";
import { exitCodeOf, printTable } from "../run/print-results.ts";
import { outageNotes, type ServiceWaitOption, withServiceWait } from "../service-wait.ts";
import { useVariables } from "../stack/environment.ts";
import type { StackSession } from "../stack/session.ts";

interface Options extends CommonOptions, DocumentOptions, ServiceWaitOption {
  keepRunning?: boolean;
}

/** `docket run`, what `npm start` calls: from nothing to text with one command. */
export function defineRun(program: Command): void {
  const command = defineCommand(program, {
    usage: "run [paths...]",
    summary: "start everything, process files, show the result, stop everything",
    description:
      "Brings up what is needed (PostgreSQL, Temporal, S3, Textract; what is configured is used instead), hands in " +
      "the files, or all documents of the folders, and follows them to their end. Without paths it takes the samples. " +
      "Documents that are complete from an earlier run are found and not done again. Ctrl-C loses nothing: the next " +
      "run goes on.",
    examples: ["docket run", "docket run invoices/ scan.pdf", "docket run --json letters/ > results.jsonl"],
    json: "one JSON object a file on standard output, as each ends; progress on standard error",
    exits: { 1: "wrong usage, the environment lacks something, or the text of a document could not be written" },
  });
  withServiceWait(withDocumentOptions(command), 600)
    .option("--keep-running", "keep everything running after the table, until Ctrl-C")
    .addHelpText("after", "  130  stopped by Ctrl-C (143 by SIGTERM); the next run goes on where it stopped")
    .action(runs((paths: string[], options: Options) => run(paths, options)));
}

async function run(paths: string[], options: Options): Promise<number> {
  const { findDocuments } = await import("../../client/find-documents.ts");
  const found = await findDocuments(paths.length > 0 ? paths.map(asTyped) : [samples()], { cwd: process.cwd() });
  const interruption = interruptible();
  const display = await createDisplay();
  const others = found.skipped > 0 ? ` (${plural(found.skipped, "other file")} left out)` : "";
  display.say(`${plural(found.files.length, "document")} found${others}`);
  interruption.signal.addEventListener("abort", () => display.stopping("Stopping; Ctrl-C again ends at once."));
  try {
    return await runWithStack(found, options, display, interruption);
  } catch (error) {
    display.end();
    const code = interruption.exitCode();
    if (code === null) throw error;
    note("Stopped. Nothing is lost: the next run goes on where this one stopped.");
    return code;
  } finally {
    interruption.dispose();
  }
}

type Found = Awaited<ReturnType<typeof import("../../client/find-documents.ts").findDocuments>>;

async function runWithStack(found: Found, options: Options, display: Display, interruption: Interruption) {
  const { signal } = interruption;
  const { openStackSession } = await import("../stack/session.ts");
  const { dataDirectory } = options;
  const session = await openStackSession({
    command: "run",
    dataDirectory,
    report: display.step,
    say: display.say,
    signal,
    serviceWait: options.serviceWait,
  });
  interruption.onForce(session.kill);
  try {
    const { results, unwritten } = await processWith(session, found, options, display, signal);
    if (options.keepRunning) {
      note(`\nEverything keeps running until Ctrl-C${session.webUi === null ? "" : `; Web UI: ${session.webUi}`}`);
      await untilAborted(session.ended, signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
    }
    return Math.max(exitCodeOf(results), unwritten > 0 ? exitCodes.environment : exitCodes.complete);
  } finally {
    await session.stop();
  }
}

async function processWith(
  session: StackSession,
  found: Found,
  options: Options,
  display: Display,
  signal: AbortSignal,
): Promise<{ results: FileResult[]; unwritten: number }> {
  const ownDatabase = process.env["DATABASE_URL"] || null;
  // The AWS SDK takes its credentials from the process's environment.
  useVariables(session.environment);
  const [
    { loadConfig },
    { connectServices },
    { ServiceWait },
    { handInItems },
    { processFiles },
    { createTextWriter },
  ] = await Promise.all([
    import("../../config.ts"),
    import("../../client/connect.ts"),
    import("../../client/service-wait.ts"),
    import("../run/hand-in-items.ts"),
    import("../run/process-files.ts"),
    import("../run/write-texts.ts"),
  ]);
  const config = loadConfig(process.env);
  const wait = new ServiceWait({
    services: config,
    limitMilliseconds: options.serviceWait * 1000,
    signal,
    onChange: outageNotes(display.say),
  });
  const services = await wait.through(() => connectServices(process.env));
  const leaving = new AbortController();
  try {
    const folder = join(options.dataDirectory, "text");
    const writeText = createTextWriter(
      services.database,
      folder,
      found.files.map(({ file }) => file),
    );
    const leave = AbortSignal.any([signal, leaving.signal]);
    const handIn = handInOptions(options);
    const items = handInItems(services, { files: found.files, objects: [] }, handIn, leave);
    let unwritten = 0;
    const tryToWrite = async (file: string, documentId: string) => {
      try {
        await wait.through(() => writeText(file, documentId));
      } catch (error) {
        leave.throwIfAborted();
        unwritten += 1;
        const other = `\`${invocation()} text ${documentId.slice(0, 8)}\` prints it`;
        display.say(`${printableLine(`${file}: its text was not written: ${failureOf(error).message}`)}; ${other}`);
      }
    };
    const processing = processFiles(items, found.refused, {
      services,
      textractStatus: session.textractStatus,
      engine: handIn.engine,
      display,
      wait: wait.toldTo(() => {}),
      signal: leave,
      async onResult({ file, outcome }) {
        if (outcome.documentId !== null && outcome.storedPages > 0) await tryToWrite(file, outcome.documentId);
        if (options.json) await printJson(resultJson(file, outcome));
      },
    });
    // When the stack ends first, this one ends by the signal below.
    processing.catch(() => {});
    const results = await Promise.race([processing, session.ended]);
    display.end();
    if (!options.json) await printResults(results, { config: services.config, ownDatabase }, session, folder, options);
    return { results, unwritten };
  } finally {
    leaving.abort();
    await services.close();
  }
}

async function printResults(
  results: FileResult[],
  { config, ownDatabase }: { config: Services["config"]; ownDatabase: string | null },
  session: StackSession,
  folder: string,
  options: Options,
): Promise<void> {
  const color = colorsFor(process.stdout);
  await printTable(results);
  const reused = results.filter((result) => result.reused).length;
  if (reused > 0) await print(`${plural(reused, "document")} found complete from an earlier run and not done again.`);
  const withText = results.find(({ outcome }) => outcome.documentId !== null && outcome.storedPages > 0);
  const documentId = withText?.outcome.documentId;
  const closing = {
    texts: documentId ? { folder, documentId } : null,
    databaseUrl: ownDatabase,
    webUi: session.webUi,
    stackStays: session.workersOf() !== null || options.keepRunning === true,
    localTextract: config.textract.endpoint !== undefined,
    costUsd: results.reduce((sum, { outcome }) => sum + outcome.costUsd, 0),
  };
  await print(renderClosing(closing, color));
}

/** The samples of the package, by a short name where that is possible. */
function samples(): string {
  const folder = fileURLToPath(new URL("../../../samples", import.meta.url));
  return resolve("samples") === folder ? "samples" : folder;
}

/** Under `npm start` the current folder is the package's; a path that was typed elsewhere is taken from there. */
function asTyped(path: string): string {
  const { INIT_CWD, npm_lifecycle_event, npm_package_name } = process.env;
  const typedElsewhere = npm_lifecycle_event === "start" && npm_package_name === "docket" && INIT_CWD !== process.cwd();
  return typedElsewhere && INIT_CWD ? resolve(INIT_CWD, path) : path;
}
