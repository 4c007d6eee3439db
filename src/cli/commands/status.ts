import { type Command, InvalidArgumentError, Option } from "commander";
import type { DocumentFilter, DocumentRecord } from "../../client/read-documents.ts";
import type { DocumentProgress } from "../../contract/process-document.ts";
import { DocumentStatus } from "../../database/generated/enums.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { invocation } from "../invocation.ts";
import { colorsFor, note, output, print, printJson } from "../output.ts";
import { plural } from "../render/format.ts";
import { renderDetail } from "../render/status-detail.ts";
import { renderCounts, renderStatusTable } from "../render/status-table.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  status?: DocumentStatus;
  project?: string;
  limit: number;
}

/** `docket status`: all documents, or one in detail. */
export function defineStatus(program: Command): void {
  const command = defineCommand(program, {
    usage: "status [document]",
    summary: "show where documents stand, or one of them in detail",
    description:
      "Without a document: the newest documents and how many there are in each status. With one (its id, the " +
      "beginning of its id, or its file name): its stage, failure and remedy, Textract jobs, and events. Works without " +
      "a running stack, too.",
    examples: ["docket status --status failed", "docket status 7a9c42d3"],
    json: "one JSON object a document; with a document: one object with its jobs and events",
  });
  withServiceWait(command, 60)
    .addOption(new Option("--status <status>", "only documents in it").choices(Object.values(DocumentStatus)))
    .option("--project <slug>", "only documents of this project", parseProject)
    .option("--limit <count>", "documents in the table, newest first (--json has all)", parseLimit, 50)
    .addHelpText(
      "after",
      "     (2 also when the one document that was asked for failed, was cancelled, or lacks pages)",
    )
    .action(
      runs((document: string | undefined, options: Options) =>
        document === undefined ? listAll(options) : showOne(document, options),
      ),
    );
}

async function listAll(options: Options): Promise<number> {
  const { withDatabase } = await import("../stack/find-services.ts");
  const { countByStatus, listDocuments } = await import("../../client/read-documents.ts");
  const filter: DocumentFilter = {
    ...(options.status === undefined ? {} : { status: [options.status] }),
    ...(options.project === undefined ? {} : { project: options.project }),
  };
  return withDatabase(options.dataDirectory, { seconds: options.serviceWait }, async (database) => {
    const shown: DocumentRecord[] = [];
    for await (const record of listDocuments(database, filter)) {
      if (options.json) await printJson(recordJson(record));
      else shown.push(record);
      if (output.closed || (!options.json && shown.length >= options.limit)) break;
    }
    if (options.json) return exitCodes.complete;
    const counts = await countByStatus(database, filter);
    const color = colorsFor(process.stdout);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (shown.length > 0) await print(`${renderStatusTable(shown, new Map(), color)}\n`);
    await print(renderCounts(counts));
    if (total > shown.length) note(`The newest ${plural(shown.length, "document")}; --limit shows more.`);
    return exitCodes.complete;
  });
}

async function showOne(reference: string, options: Options): Promise<number> {
  const { withDatabase } = await import("../stack/find-services.ts");
  const { readDocuments, readHistory, resolveDocument } = await import("../../client/read-documents.ts");
  return withDatabase(options.dataDirectory, { seconds: options.serviceWait }, async (database) => {
    const documentId = await resolveDocument(database, reference);
    const [[record], history] = await Promise.all([
      readDocuments(database, [documentId]),
      readHistory(database, documentId),
    ]);
    if (record === undefined) throw new Error(`document ${documentId} vanished from the database`);
    const ended = record.finishedAt !== null;
    const progress = ended ? null : await liveProgress(record, options.dataDirectory);
    if (options.json) await printJson({ ...recordJson(record), progress, ...history });
    else await print(renderDetail(record, history, progress, colorsFor(process.stdout)));
    return ["incomplete", "failed", "cancelled"].includes(record.status)
      ? exitCodes.documentFailed
      : exitCodes.complete;
  });
}

/** What the workflow says now, or else what the Temporal server knows; null where neither can be asked. */
async function liveProgress({ documentId, workflowId }: DocumentRecord, dataDirectory: string) {
  const [{ attach }, { connectTemporal }, { loadConfig }, { readProgress, readWorkflowStage }] = await Promise.all([
    import("../stack/find-services.ts"),
    import("../../client/connect.ts"),
    import("../../config.ts"),
    import("../../client/workflow-stage.ts"),
  ]);
  try {
    await attach(dataDirectory);
  } catch {
    note("No stack runs now; the document goes on when one does.");
    return null;
  }
  try {
    const temporal = await connectTemporal(loadConfig().temporal);
    const [stage, progress] = await Promise.all([
      readWorkflowStage(temporal, workflowId),
      readProgress(temporal, workflowId),
    ]).finally(() => temporal.connection.close());
    if (stage === null && progress === null) {
      note(
        `Temporal knows no workflow of it: \`${invocation()} redrive --lost ${documentId}\` starts it again as it was.`,
      );
      return null;
    }
    // The server knows why a step waits for its next attempt, which is more precise than what the workflow can say.
    return {
      ...({ pages: null, attempts: 0, failure: null, documentId } satisfies Partial<DocumentProgress>),
      ...progress,
      stage: stage?.stage ?? progress?.stage ?? null,
      waitingFor: stage?.waitingFor ?? progress?.waitingFor ?? null,
    };
  } catch (error) {
    note(`The live stage is not to be had: ${(error as Error).message}`);
    return null;
  }
}

function recordJson({ workflowId: _, runId: __, ...record }: DocumentRecord) {
  return record;
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new InvalidArgumentError("A limit is a whole number above 0.");
}
