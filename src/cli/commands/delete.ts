import type { Command } from "commander";
import type { DeleteDocumentsInput } from "../../contract/delete-documents.ts";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, note, printJson } from "../output.ts";
import { renderFailure } from "../render/document-table.ts";
import { plural } from "../render/format.ts";
import { type ServiceWaitOption, withServiceWait } from "../service-wait.ts";
import { whoAsks } from "../who-asks.ts";

interface Options extends CommonOptions, ServiceWaitOption {
  project?: string;
  withSource?: boolean;
  by?: string;
  reason?: string;
  yes?: boolean;
  wait: boolean;
}

/** `docket delete`: removes documents everywhere. */
export function defineDelete(program: Command): void {
  const command = defineCommand(program, {
    usage: "delete [documents...]",
    summary: "remove documents everywhere: text, rows, uploads, raw results",
    description:
      "Removes documents (ids, beginnings of ids, file names), or with --project all of a project: their rows, the " +
      "uploads, copies and raw results in S3, all versions. An object that was handed in by its address is its owner's and " +
      "stays, unless --with-source is given: then it goes if it is still the one that was read. What is left is an entry that names the document's id, what it cost, who " +
      "had it deleted and when. It is a workflow: once started it is finished, whatever crashes. There is no way back.",
    examples: [
      "docket delete 7a9c42d3 --reason 'request of the client'",
      "docket delete --project smith-v-jones --yes",
    ],
    json: "one JSON object: deleted, objects, failed (documentId, failure); with --no-wait: workflowId",
    exits: { 0: "all of them are deleted", 2: "some document is still there" },
  });
  withServiceWait(command, 60)
    .option("--project <slug>", "all documents of this project; needs --yes", parseProject)
    .option("--with-source", "also the objects in S3 that were handed in by their addresses")
    .option("--by <name>", "who wants it (default: your user name)")
    .option("--reason <text>", "kept with the deletion")
    .option("--yes", "really all documents of the project")
    .option("--no-wait", "start the deletion and return")
    .action(runs((documents: string[], options: Options) => deleteDocuments(documents, options)));
}

async function deleteDocuments(references: string[], options: Options): Promise<number> {
  const { project, yes, json } = options;
  if ((references.length === 0) === (project === undefined)) {
    throw new DocketError("InvalidInput", "Either documents or a project are to be named.", {
      remedy: "Name documents by their ids, or a project with --project.",
    });
  }
  if (project !== undefined && !yes) {
    throw new DocketError("InvalidInput", `All documents of ${project} would be deleted.`, {
      remedy: "Say so with --yes; `docket status --project` lists them.",
    });
  }
  const [{ withServices }, { startDeletion }, { resolveDocument }] = await Promise.all([
    import("../stack/find-services.ts"),
    import("../../client/delete-documents.ts"),
    import("../../client/read-documents.ts"),
  ]);
  return withServices(options.dataDirectory, { seconds: options.serviceWait }, async (services) => {
    const ids = new Set<string>();
    for (const reference of references) ids.add(await resolveDocument(services.database, reference));
    const input: DeleteDocumentsInput = {
      ...(project === undefined ? { documentIds: [...ids] } : { project }),
      withSource: options.withSource ?? false,
      requestedBy: whoAsks(options.by),
      ...(options.reason === undefined ? {} : { reason: options.reason.slice(0, 1000) }),
    };
    const deletion = await startDeletion(services, input);
    if (!options.wait) {
      if (json) await printJson({ workflowId: deletion.workflowId });
      else note(`Started: workflow ${deletion.workflowId}.`);
      return exitCodes.complete;
    }
    if (!json) note("Deleting; Ctrl-C stops waiting only.");
    const result = await deletion.result();
    if (json) await printJson(result);
    else {
      note(`${plural(result.deleted, "document")} deleted, with ${plural(result.objects, "object")} in S3.`);
      for (const { documentId, failure } of result.failed) {
        note(renderFailure(documentId, failure, colorsFor(process.stderr)));
      }
    }
    return result.failed.length === 0 ? exitCodes.complete : exitCodes.documentFailed;
  });
}
