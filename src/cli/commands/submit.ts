import type { Command } from "commander";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { type DocumentOptions, handInOptions, withDocumentOptions } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { interruptible } from "../interrupt.ts";
import { note } from "../output.ts";
import { isObjectAddress, parseObjectAddresses } from "../run/object-address.ts";
import { type HandInOutcome, tellHandIn } from "../run/tell-hand-in.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, DocumentOptions, ServiceWaitOption {
  wait?: boolean;
  dryRun?: boolean;
}

/** `docket submit`: hands in to a running stack or to configured services. */
export function defineSubmit(program: Command): void {
  const command = defineCommand(program, {
    usage: "submit <documents...>",
    summary: "hand in files, folders or S3 objects; returns at once",
    description:
      "Hands in files, all documents of folders, or objects that are in S3 already (s3://bucket/key), to the stack " +
      "that `docket up` runs or to the services that the environment names. Returns as soon as each document's " +
      "workflow is started; the work goes on without this command.",
    examples: ["docket submit invoices/ s3://archive/2024/scan.pdf", "docket submit --wait --priority 1 urgent.pdf"],
    json: "one JSON object a document: file, documentId, status, failure; with --wait as `docket run --json`",
    exits: {
      0: "every document is handed in (with --wait: is complete)",
      2: "some document could not be handed in (with --wait: failed); the others are handed in",
    },
  });
  withServiceWait(withDocumentOptions(command), 600)
    .option("--dry-run", "only say what is new, what is already there, and what would fail")
    .option("--wait", "follow the documents to their end, as `docket run` does")
    .action(runs((documents: string[], options: Options) => submit(documents, options)));
}

async function submit(named: string[], options: Options): Promise<number> {
  const { findDocuments } = await import("../../client/find-documents.ts");
  const paths = named.filter((name) => !isObjectAddress(name));
  const { objects, refused: refusedObjects } = parseObjectAddresses(named.filter(isObjectAddress), paths.length > 0);
  const found = await findDocuments(paths, { cwd: process.cwd(), others: objects.length > 0 });
  const { files } = found;
  const refused = [...found.refused, ...refusedObjects];
  const { withServices } = await import("../stack/find-services.ts");
  const { forEachItem, handInItems } = await import("../run/hand-in-items.ts");
  const { requireOwnWork } = await import("../../client/other-work.ts");
  const interruption = interruptible();
  const { signal } = interruption;
  try {
    const waiting = { seconds: options.serviceWait, signal };
    return await withServices(options.dataDirectory, waiting, async (services, stack, wait) => {
      const handIn = handInOptions(options);
      if (options.dryRun) {
        const { printPlan } = await import("../run/print-plan.ts");
        const { config, database, storage } = services;
        const { engine, features, project, force = false } = handIn;
        const ports = { engine, features, ocrLimits: config.ocr, storage, known: { database, project, force } };
        return printPlan(
          ports,
          { files, refused, objects: objects.map(({ location }) => location) },
          options.json ?? false,
        );
      }
      const items = handInItems(services, { files, objects }, handIn, signal);
      if (options.wait) {
        const { followItems } = await import("../run/follow-items.ts");
        return followItems(items, refused, {
          services,
          textractStatus: stack?.textractStatus ?? null,
          engine: handIn.engine,
          wait: wait.toldTo(() => {}),
          signal,
          json: options.json ?? false,
        });
      }
      let failed = refused.length;
      for (const { file, failure } of refused) await tell(file, null, failure);
      await forEachItem(items, async (item) => {
        try {
          signal.throwIfAborted();
          const { documentId, runId } = requireOwnWork(item.file, await wait.through(() => item.handIn()));
          await tell(item.file, documentId, null, runId === null ? "complete" : "started");
        } catch (error) {
          signal.throwIfAborted();
          failed += 1;
          const { failureOf } = await import("../../client/failure-of.ts");
          await tell(item.file, null, failureOf(error));
        }
      });
      return failed === 0 ? exitCodes.complete : exitCodes.documentFailed;
    });
  } catch (error) {
    const code = interruption.exitCode();
    if (code === null) throw error;
    note("Stopped. What was handed in goes on; hand in again to add the rest.");
    return code;
  } finally {
    interruption.dispose();
  }

  function tell(
    file: string,
    documentId: string | null,
    failure: HandInOutcome["failure"],
    status: HandInOutcome["status"] = "failed",
  ): Promise<void> {
    return tellHandIn({ file, documentId, status, failure }, options.json ?? false);
  }
}
