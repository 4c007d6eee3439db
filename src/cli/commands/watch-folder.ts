import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { type DocumentOptions, handInOptions, withDocumentOptions } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { interruptible } from "../interrupt.ts";
import { note } from "../output.ts";
import { plural } from "../render/format.ts";
import { tellHandIn } from "../run/tell-hand-in.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, DocumentOptions, ServiceWaitOption {
  settle: number;
  every: number;
  once?: boolean;
}

/** Files of one folder that are looked at again and again; what is larger is a batch's work. */
const mostFiles = 200_000;

/** `docket watch-folder`: hands in what comes into a folder. */
export function defineWatchFolder(program: Command): void {
  const command = defineCommand(program, {
    usage: "watch-folder <folder>",
    summary: "hand in what comes into a folder, once it has settled",
    description:
      "Looks at a folder and its subfolders every few seconds and hands in each document that has not changed for a " +
      "while. Hidden files and those that a program has not finished (~, .part, .tmp and the like) are left alone; a file " +
      "that changes later is handed in again as what it is then. Nothing is moved, deleted or remembered on the disk: a " +
      "document is known by its content, so that a restart or a second watcher costs one reading of the files and " +
      "starts nothing twice.",
    examples: [
      "docket watch-folder /srv/scanner --project inbox",
      "docket watch-folder /srv/scanner --once --settle 60   # from cron",
    ],
    json: "one JSON object a document: file, documentId, status, failure",
    exits: {
      0: "with --once: everything that has settled is handed in",
      2: "with --once: some document could not be handed in",
    },
  });
  withServiceWait(withDocumentOptions(command), 600)
    .option("--settle <seconds>", "how long a file must not have changed", parseSeconds, 10)
    .option("--every <seconds>", "how often the folder is looked at", parseSeconds, 5)
    .option("--once", "look once, hand in what has settled, and end")
    .addHelpText("after", "  130  stopped by Ctrl-C; what was handed in goes on")
    .action(runs((folder: string, options: Options) => watchFolder(folder, options)));
}

async function watchFolder(folder: string, options: Options): Promise<number> {
  if (options.force) {
    throw new DocketError("InvalidInput", "--force would pay for every file again at each start.", {
      remedy: "Leave it out; `docket submit --force` reads a document anew.",
    });
  }
  if (!(await stat(folder).catch(() => null))?.isDirectory()) {
    throw new DocketError("InvalidInput", `${folder} is no folder that can be read.`, {
      remedy: "Name a folder that exists; a path is taken from the current folder.",
    });
  }
  const json = options.json ?? false;
  const [{ withServices }, { SettledFiles }] = await Promise.all([
    import("../stack/find-services.ts"),
    import("../../client/settled-files.ts"),
  ]);
  const interruption = interruptible();
  const { signal } = interruption;
  try {
    return await withServices(options.dataDirectory, { seconds: options.serviceWait, signal }, async (...found) => {
      const [services, , wait] = found;
      const { createFileHandIn } = await import("../../client/hand-in-document.ts");
      const { requireOwnWork } = await import("../../client/other-work.ts");
      const { forEachItem } = await import("../run/hand-in-items.ts");
      const { failureOf } = await import("../../client/failure-of.ts");
      const settled = new SettledFiles(options.settle * 1000);
      const told = new Set<string>();
      for (;;) {
        let failed = 0;
        const { files, refused } = await readFolder(folder);
        for (const { file, failure } of refused) {
          failed += 1;
          // A folder that cannot be read is told once, not at every look.
          if (!told.has(failure.message)) await tellHandIn({ file, documentId: null, status: "failed", failure }, json);
          if (told.size < 1000) told.add(failure.message);
        }
        // Made anew for each look: it remembers every document that it has handed in.
        const handIn = createFileHandIn(services, handInOptions(options), signal);
        await forEachItem(await settled.look(files, Date.now()), async (file) => {
          try {
            signal.throwIfAborted();
            const { documentId, runId } = requireOwnWork(file.file, await wait.through(() => handIn(file)));
            const status = runId === null ? "complete" : "started";
            await tellHandIn({ file: file.file, documentId, status, failure: null }, json);
          } catch (error) {
            signal.throwIfAborted();
            failed += 1;
            const failure = failureOf(error);
            // Its reading for something else ends: with a later look there, it is handed in then.
            if (failure.type === "DocumentUnderWay" && !options.once) {
              if (!settled.defer(file, Date.now())) return;
              failure.remedy = "Nothing is to be done: the watcher hands it in some minutes after that has ended.";
            }
            await tellHandIn({ file: file.file, documentId: null, status: "failed", failure }, json);
          }
        });
        if (options.once) {
          if (settled.waiting > 0) note(`${plural(settled.waiting, "file")} not settled yet, left for the next look.`);
          return failed === 0 ? exitCodes.complete : exitCodes.documentFailed;
        }
        await sleep(options.every * 1000, undefined, { signal });
      }
    });
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null) throw error;
    note("Stopped. What was handed in goes on.");
    return code;
  } finally {
    interruption.dispose();
  }
}

async function readFolder(folder: string) {
  const { findDocuments } = await import("../../client/find-documents.ts");
  // A folder that is empty, or away for a moment, is no error of a watcher.
  const found = await findDocuments([folder], { cwd: process.cwd(), others: true });
  if (found.files.length > mostFiles) {
    throw new DocketError("InvalidInput", `${folder} holds more than ${mostFiles} documents.`, {
      remedy: "Hand it in with `docket batch`, and watch a folder that is emptied.",
    });
  }
  return found;
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() !== "" && seconds >= 1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("Seconds are a number from 1 to 86400.");
}
