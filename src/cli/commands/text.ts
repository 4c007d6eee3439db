import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { documentIdFromContent } from "../../contract/document-id.ts";
import { DocketError } from "../../contract/failures.ts";
import type { Database } from "../../database/client.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { note, output, printJson, writeDocumentText } from "../output.ts";
import { pageList, plural } from "../render/format.ts";
import { joinPages } from "../render/page-text.ts";

interface Options extends CommonOptions {
  project: string;
  recognised?: boolean;
}

/** `docket text`: what was read of one document. */
export function defineText(program: Command): void {
  defineCommand(program, {
    usage: "text <document>",
    summary: "print the text of a document",
    description:
      "Prints the text of a document, with a form feed between its pages. The document is named by its id, the " +
      "beginning of its id (four characters or more), its file name, or the path of the file itself. Works without a " +
      "running stack: the embedded PostgreSQL is started for the moment that it takes.",
    examples: ["docket text 7a9c42d3", "docket text invoice.pdf --json | jq '.lines[].text'"],
    json: "one JSON object a page, with its lines, words and geometry",
  })
    .option("--project <slug>", "project that the document is in, where it is named by a path", parseProject, "default")
    .option("--recognised", "what was recognised, also where a person has corrected a page")
    .addHelpText("after", "     (also when the document is not complete: what there is of it is printed)")
    .action(runs((document: string, options: Options) => text(document, options)));
}

async function text(reference: string, options: Options): Promise<number> {
  const { noWait, withDatabase } = await import("../stack/find-services.ts");
  return withDatabase(options.dataDirectory, noWait, async (database) => {
    const [{ readPages, readPageTexts }, { readDocuments }] = await Promise.all([
      import("../../client/read-pages.ts"),
      import("../../client/read-documents.ts"),
    ]);
    const documentId = await findDocument(database, reference, options.project);
    const [record] = await readDocuments(database, [documentId]);
    const reading = { recognised: options.recognised ?? false };
    if (options.json) {
      for await (const page of readPages(database, documentId, reading)) {
        await printJson({ documentId, ...page });
        if (output.closed) break;
      }
    } else {
      for await (const piece of joinPages(readPageTexts(database, documentId, reading))) {
        await writeDocumentText(piece);
        if (output.closed) break;
      }
    }
    if (record?.status === "complete") return exitCodes.complete;
    const stored = record?.storedPages ?? 0;
    const of = record?.pages ? ` of ${plural(record.pages, "page")}` : "";
    note(
      `The document is ${record?.status ?? "unknown"}, not complete; ${stored}${of} stored. docket status ${documentId}`,
    );
    const missing = record?.failure?.missingPages ?? [];
    if (missing.length > 0) note(`Missing: ${pageList(missing.map(({ page }) => page))}.`);
    return exitCodes.documentFailed;
  });
}

/** By what the database knows, or by the content of a file on this machine. */
async function findDocument(database: Database, reference: string, project: string): Promise<string> {
  const { resolveDocument } = await import("../../client/read-documents.ts");
  try {
    return await resolveDocument(database, reference);
  } catch (error) {
    const path = resolve(reference);
    const isFile = await stat(path).then(
      (status) => status.isFile(),
      () => false,
    );
    const ambiguousName = error instanceof DocketError && ["RecordMissing", "InvalidInput"].includes(error.type);
    if (!isFile || !ambiguousName) throw error;
    const { hashFile } = await import("../../client/hash-file.ts");
    const documentId = documentIdFromContent(project, (await hashFile(path)).sha256);
    return resolveDocument(database, documentId);
  }
}
