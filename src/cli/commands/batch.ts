import { type Command, InvalidArgumentError } from "commander";
import { largestWindow } from "../../contract/process-batch.ts";
import type { BatchRow } from "../../database/batches.ts";
import type { Database } from "../../database/client.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { type DocumentOptions, handInOptions, withDocumentOptions } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { interruptible } from "../interrupt.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import { batchJson, renderBatch, renderBatches } from "../render/batch-lines.ts";
import { batchSourceOf } from "../run/batch-source.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, DocumentOptions, ServiceWaitOption {
  window?: number;
  strict?: boolean;
  detach?: boolean;
  dryRun?: boolean;
}

/** Batches that `list` shows. */
const listLimit = 100;
const actions = ["list", "show", "pause", "resume", "cancel", "set"];

/** `docket batch`: hands in a batch, or looks at one, or tells one something. */
export function defineBatch(program: Command): void {
  const command = defineCommand(program, {
    usage: "batch <source> [id]",
    summary: "hand in a folder, an S3 prefix or a manifest as one batch; list, show, pause, resume, cancel, set",
    description:
      "Hands in all documents of a folder, of an S3 prefix (s3://bucket/prefix/) or of a manifest (.csv with a header " +
      "line, .jsonl; columns file or key, project, priority, and any others as custom fields), through a window of " +
      "documents under way, and follows them to their end. Ctrl-C stops following; the batch goes on. A hand-in that " +
      "was interrupted goes on when it is started again.\n\nInstead of a source: list; show, pause, resume or cancel " +
      "with a batch's id or its beginning; set with --window or --priority. To hand in a folder that is named like " +
      "one of these, write ./list.",
    examples: [
      "docket batch scans/ --project archive --window 50",
      "docket batch s3://my-bucket/2024/ --detach",
      "docket batch manifest.csv --strict",
      "docket batch list",
      "docket batch set 7a9c42d3 --window 200",
    ],
    json: "one JSON object a batch: id, source, project, state, window, priority, counts, waitingFor, failure, times",
    exits: {
      0: "every document of the batch is complete (with --detach, and for the others: done)",
      2: "some document failed, is incomplete or was cancelled, or could not be handed in",
    },
  });
  withServiceWait(withDocumentOptions(command), 600)
    .option("--window <count>", "documents under way at once, 1 to 1000 (default: 100)", parseWindow)
    .option("--strict", "start nothing when a row or a file cannot be taken")
    .option("--dry-run", "only say what is new, what is already there, and what would fail")
    .option("--detach", "return when the batch is handed in")
    .addHelpText("after", "  130  stopped by Ctrl-C; what was handed in goes on")
    .action(runs((source: string, id: string | undefined, options: Options) => batch(source, id, options)));
}

async function batch(source: string, id: string | undefined, options: Options): Promise<number> {
  const action = actions.find((name) => name === source);
  if (action === undefined && id === undefined) return handIn(source, options);
  const { DocketError } = await import("../../contract/failures.ts");
  const remedy = "`docket batch --help` shows how.";
  if (action === undefined) throw new DocketError("InvalidInput", `A batch has one source, not ${id} too.`, { remedy });
  if (action === "list") return list(options);
  if (id === undefined) throw new DocketError("InvalidInput", `${action} needs the id of a batch.`, { remedy });
  if (action === "show") return show(id, options);
  if (action === "set" && options.window === undefined && options.priority === undefined) {
    throw new DocketError("InvalidInput", "set needs --window or --priority.", { remedy });
  }
  return tell(action, id, options);
}

async function handIn(named: string, options: Options): Promise<number> {
  const source = batchSourceOf(named);
  const { withServices } = await import("../stack/find-services.ts");
  const { handInBatch } = await import("../run/hand-in-batch.ts");
  const { followBatch } = await import("../run/follow-batch.ts");
  const { defaultWindow } = await import("../../contract/process-batch.ts");
  const interruption = interruptible();
  const { signal } = interruption;
  try {
    return await withServices(options.dataDirectory, { seconds: options.serviceWait, signal }, async (...found) => {
      const [services, , wait] = found;
      const { priority = 3, force = false, ...others } = handInOptions(options);
      const batchOptions = { ...others, priority, force, window: options.window ?? defaultWindow };
      const strict = options.strict ?? false;
      if (options.dryRun) {
        const { planBatch } = await import("../run/plan-batch.ts");
        return planBatch(services, source, batchOptions, options.json ?? false);
      }
      const request = { services, source, options: batchOptions, strict, wait, signal };
      const { batchIds, refused } = await handInBatch(request);
      let code: number = refused > 0 ? exitCodes.documentFailed : exitCodes.complete;
      for (const batchId of batchIds) {
        if (options.detach) {
          if (options.json) await printJson({ id: batchId });
          else await print(batchId);
          continue;
        }
        note(`Batch ${batchId}`);
        code = Math.max(code, await followBatch(services, batchId, { wait, signal, json: options.json ?? false }));
      }
      return code;
    });
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null) throw error;
    note("Stopped. What was handed in goes on; run it again to hand in the rest, or `docket batch list`.");
    return code;
  } finally {
    interruption.dispose();
  }
}

async function list(options: Options): Promise<number> {
  const { withDatabase } = await import("../stack/find-services.ts");
  const { readBatches } = await import("../../database/batches.ts");
  return withDatabase(options.dataDirectory, { seconds: 0 }, async (database) => {
    const found = await readBatches(database, { limit: listLimit + 1 });
    const batches = found.slice(0, listLimit);
    if (options.json) for (const row of batches) await printJson(batchJson(row));
    else if (batches.length === 0) await print("There is no batch yet.");
    else await print(renderBatches(batches, colorsFor(process.stdout)));
    if (found.length > listLimit)
      note(`There are more: these are the first ${listLimit}, those that have not ended first.`);
    return exitCodes.complete;
  });
}

async function show(reference: string, options: Options): Promise<number> {
  const { withDatabase } = await import("../stack/find-services.ts");
  const { readBatch, resolveBatch } = await import("../../client/batches.ts");
  return withDatabase(options.dataDirectory, { seconds: 0 }, async (database) => {
    const batchId = await resolveBatch(database, reference);
    let row = await readBatch(database, batchId);
    if (row.finishedAt === null) {
      await askTemporal(database, row, options.dataDirectory);
      row = await readBatch(database, batchId);
    }
    if (options.json) await printJson(batchJson(row));
    else await print(renderBatch(row));
    return exitCodes.complete;
  });
}

/** A batch whose workflow has ended without telling its row is ended here; says so where nobody works on it at all. */
async function askTemporal(database: Database, batch: BatchRow, dataDirectory: string): Promise<void> {
  const [{ attach }, { connectTemporal }, { loadConfig }, { endDeadBatch, endsUnknown, nobodyWorksOn }] =
    await Promise.all([
      import("../stack/find-services.ts"),
      import("../../client/connect.ts"),
      import("../../config.ts"),
      import("../../client/batches.ts"),
    ]);
  try {
    await attach(dataDirectory);
  } catch {
    note("No stack runs now; the batch goes on when one does.");
    return;
  }
  try {
    const temporal = await connectTemporal(loadConfig().temporal);
    const known = await endDeadBatch({ database, temporal }, batch).finally(() => temporal.connection.close());
    if (!known) note(`${nobodyWorksOn(batch)} ${endsUnknown(batch.id)}`);
  } catch (error) {
    note(`Whether anybody works on it is not to be had: ${(error as Error).message}`);
  }
}

async function tell(action: string, reference: string, options: Options): Promise<number> {
  const { withServices } = await import("../stack/find-services.ts");
  const { resolveBatch, updateBatch } = await import("../../client/batches.ts");
  return withServices(options.dataDirectory, { seconds: options.serviceWait }, async (services) => {
    const batchId = await resolveBatch(services.database, reference);
    if (action === "set") {
      if (options.window !== undefined) await updateBatch(services, batchId, "setWindow", options.window);
      if (options.priority !== undefined) await updateBatch(services, batchId, "setPriority", options.priority);
    } else await updateBatch(services, batchId, action as "pause" | "resume" | "cancel");
    const done: Record<string, string> = {
      pause: "is paused: documents under way go on, no others are started",
      resume: "goes on",
      cancel: "is cancelled: documents under way go on",
      set: "has new settings",
    };
    if (options.json) await printJson({ id: batchId, done: action });
    else await print(`Batch ${batchId} ${done[action]}.`);
    return exitCodes.complete;
  });
}

function parseWindow(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= largestWindow) return count;
  throw new InvalidArgumentError(`A window is a whole number from 1 to ${largestWindow}.`);
}
