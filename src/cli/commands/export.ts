import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { failureOf } from "../../client/failure-of.ts";
import { DocketError, type Failure } from "../../contract/failures.ts";
import type { DocumentReader } from "../../database/document-reader.ts";
import { type ExportFormat, exportFormats } from "../../export/export-formats.ts";
import type { ExportInput } from "../../export/export-input.ts";
import type { ExportStorage } from "../../export/read-export-input.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { parseProject } from "../document-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, note, output, printJson, writeDocumentText } from "../output.ts";
import { renderFailure } from "../render/document-table.ts";
import { formatBytes, plural } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";

interface Options extends CommonOptions {
  project?: string;
  format: ExportFormat;
  output?: string;
  anyStatus?: boolean;
}

const formatHelp = Object.entries(exportFormats)
  .map(([name, { describes }]) => `  ${name.padEnd(13)}${describes}`)
  .join("\n");

/** `docket export`: documents as files, in formats that other programs read. */
export function defineExport(program: Command): void {
  defineCommand(program, {
    usage: "export [document...]",
    summary: "write documents as text, Markdown, JSON, CSV of tables, Textract JSON, hOCR, ALTO or searchable PDF",
    description:
      "Exports the documents that are named (by id, the beginning of an id, or file name), or all complete ones of a " +
      "project. One document goes to standard output, or to the file that -o names; several go into the folder that -o " +
      "names, together with a manifest.jsonl that says which file is which document. A file appears under its name " +
      "only when it is whole. Tables, forms and answers are there where a document was read with these features. text, markdown and json need the database only.",
    examples: [
      "docket export 7a9c42d3 --format pdf -o letter.pdf",
      "docket export --project smith-v-jones --format pdf -o production/",
      "docket export invoice.pdf --format tables-csv -o tables/",
    ],
    json: "one JSON object a file: documentId, fileName, format, file, bytes, sha256, pages, page, note, failure",
    exits: { 2: "a document is not complete, or its original is gone; the others are exported" },
  })
    .addOption(new Option("--format <format>", "what to write").choices(Object.keys(exportFormats)).default("text"))
    .option("-o, --output <path>", "file, or folder for several documents; made when it does not exist")
    .option("--project <slug>", "all complete documents of this project", parseProject)
    .option("--any-status", "also documents that are not complete: what there is of them")
    .addHelpText("after", `\nFormats:\n${formatHelp}`)
    .action(runs((documents: string[], options: Options) => exportDocuments(documents, options)));
}

async function exportDocuments(references: string[], options: Options): Promise<number> {
  if (references.length === 0 && options.project === undefined) {
    throw new DocketError("InvalidInput", "Nothing is named that could be exported.", {
      remedy: "Name a document, or a project with --project.",
    });
  }
  const { keepHeapSmall, limitReaders } = await import("../../export/free-memory.ts");
  keepHeapSmall();
  limitReaders();
  const [{ withDatabaseAddress }, { DocumentReader }, { sweepWorkFolders }] = await Promise.all([
    import("../stack/find-services.ts"),
    import("../../database/document-reader.ts"),
    import("../../storage/work-folder.ts"),
  ]);
  await sweepWorkFolders();
  return withDatabaseAddress(options.dataDirectory, async (url, signal) => {
    const reader = new DocumentReader(url);
    try {
      return await exportAll(reader, references, options, signal);
    } finally {
      await reader.close();
    }
  });
}

async function exportAll(
  reader: DocumentReader,
  references: string[],
  options: Options,
  signal: AbortSignal,
): Promise<number> {
  const ids = await findIds(reader, references, options);
  const several = references.length !== 1 || options.project !== undefined;
  const target = await chooseTarget(several, options);
  const services = lazyStorage(options.dataDirectory);
  let failed = 0;
  let written = 0;
  try {
    const manifest = target.kind === "folder" ? await openManifest(target.folder) : undefined;
    try {
      for await (const id of ids) {
        if (output.closed) break;
        signal.throwIfAborted();
        let whole = true;
        for await (const ended of exportOne(reader, services.open, id, target, options, signal)) {
          await manifest?.add(ended);
          whole &&= ended.failure === null;
          await report(ended, options);
        }
        if (whole) written += 1;
        else failed += 1;
      }
    } finally {
      await manifest?.close();
    }
  } finally {
    services.close();
  }
  if (written + failed === 0) note("No document was found to export.");
  else if (several) note(`${plural(written, "document")} exported, ${failed} failed.`);
  return failed > 0 ? exitCodes.documentFailed : exitCodes.complete;
}

async function findIds(reader: DocumentReader, references: string[], options: Options): Promise<AsyncIterable<string>> {
  const { candidateLimit, theOneMeant, uuidRange } = await import("../../client/read-documents.ts");
  const named: string[] = [];
  for (const reference of references) {
    named.push(theOneMeant(await reader.candidates(uuidRange(reference), reference, candidateLimit), reference));
  }
  return (async function* () {
    yield* new Set(named);
    if (options.project === undefined) return;
    const documents = reader.projectDocuments(options.project, options.anyStatus ? undefined : "complete");
    for await (const id of documents) if (!named.includes(id)) yield id;
  })();
}

type Target = { kind: "stdout" } | { kind: "file"; path: string } | { kind: "folder"; folder: string };

async function chooseTarget(several: boolean, { output: path, format, json }: Options): Promise<Target> {
  const tables = format === "tables-csv";
  if (path === undefined) {
    if (several || tables || format === "pdf" || json) {
      const one = tables ? "A file for each table" : format === "pdf" ? "A PDF" : "With --json an export";
      throw new DocketError("InvalidInput", `${several ? "Several documents" : one} cannot go to standard output.`, {
        remedy: `Name a ${several || tables ? "folder" : "file"} with -o PATH.`,
      });
    }
    return { kind: "stdout" };
  }
  const isFolder = await stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (several || tables || isFolder || path.endsWith("/")) return { kind: "folder", folder: resolve(path) };
  return { kind: "file", path: resolve(path) };
}

/** What became of one document; a line of `--json` and of the manifest. */
interface Ended {
  documentId: string;
  fileName: string | null;
  format: ExportFormat;
  file: string | null;
  bytes: number | null;
  sha256: string | null;
  pages: number | null;
  /** Page of the table, where the file is one table. */
  page: number | null;
  note: string | null;
  failure: Failure | null;
}

/** What became of one document: one line, or one for each table. */
async function* exportOne(
  reader: DocumentReader,
  openStorage: () => Promise<ExportStorage>,
  documentId: string,
  target: Target,
  options: Options,
  signal: AbortSignal,
): AsyncGenerator<Ended> {
  const { format } = options;
  const ended: Ended = {
    ...{ documentId, fileName: null, format, file: null, bytes: null },
    ...{ sha256: null, pages: null, page: null, note: null, failure: null },
  };
  const { makeWorkFolder } = await import("../../storage/work-folder.ts");
  const folder = await makeWorkFolder("export");
  try {
    const { readExportInput } = await import("../../export/read-export-input.ts");
    const input = await readExportInput(reader, openStorage, documentId, folder, signal);
    ended.fileName = input.document.fileName;
    refuseIncomplete(input, options);
    ended.pages = input.document.storedPages;
    if (format === "tables-csv") {
      let tables = 0;
      for await (const table of tablesOf(input, target)) {
        tables += 1;
        yield { ...ended, ...table, pages: 1 };
      }
      if (tables === 0) yield { ...ended, note: "Textract found no table." };
      return;
    }
    yield { ...ended, ...(await write(input, target, format)) };
  } catch (error) {
    signal.throwIfAborted();
    yield { ...ended, failure: failureOf(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* tablesOf(input: ExportInput, target: Target) {
  if (target.kind !== "folder") throw new Error("tables go into a folder");
  const { exportTables } = await import("../../export/export-document.ts");
  const { exportFileName } = await import("../../export/file-names.ts");
  yield* exportTables(input, target.folder, (part) => exportFileName(input.document, "tables-csv", part));
}

async function write(
  input: ExportInput,
  target: Target,
  format: Exclude<ExportFormat, "tables-csv">,
): Promise<Partial<Ended>> {
  const { exportPieces, exportToFile } = await import("../../export/export-document.ts");
  if (target.kind === "stdout") {
    if (format === "pdf") throw new Error("a PDF does not go to standard output");
    for await (const piece of exportPieces(input, format)) {
      await writeDocumentText(piece);
      if (output.closed) break;
    }
    return {};
  }
  const { exportFileName } = await import("../../export/file-names.ts");
  const path = target.kind === "file" ? target.path : join(target.folder, exportFileName(input.document, format));
  return { file: path, ...(await exportToFile(input, format, path)) };
}

function refuseIncomplete({ document }: ExportInput, { anyStatus }: Options): void {
  if (document.status === "complete" || anyStatus) return;
  const stored = `${document.storedPages} of ${plural(document.expectedPages ?? 0, "page")} stored`;
  throw new DocketError("PagesMissing", `${document.fileName} is ${document.status}, not complete; ${stored}.`, {
    remedy: "--any-status exports what there is; `docket status ID` says what is missing.",
  });
}

async function report(ended: Ended, { json }: Options): Promise<void> {
  if (json) return printJson(ended);
  if (ended.failure !== null) {
    note(renderFailure(ended.fileName ?? ended.documentId, ended.failure, colorsFor(process.stderr)));
  } else if (ended.file === null) {
    if (ended.note !== null) note(`${printableLine(ended.fileName ?? ended.documentId)}: ${ended.note}`);
  } else {
    const size = `${plural(ended.pages ?? 0, "page")}, ${formatBytes(ended.bytes ?? 0)}`;
    note(`${printableLine(ended.file)} (${size})${ended.note === null ? "" : `\n  ${printableLine(ended.note)}`}`);
  }
}

/** `manifest.jsonl` of a folder: one line a document of this run, on disk before the next one is begun. */
async function openManifest(folder: string) {
  const { mkdir, open } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true });
  const handle = await open(join(folder, "manifest.jsonl"), "w");
  return {
    add: (ended: Ended) => handle.appendFile(`${JSON.stringify({ ...ended, file: relativeName(ended.file) })}\n`),
    close: () => handle.close(),
  };
}

function relativeName(file: string | null): string | null {
  return file === null ? null : (file.split("/").at(-1) ?? null);
}

/** S3, connected to when a format first asks for it. */
function lazyStorage(dataDirectory: string) {
  let opened: ExportStorage | undefined;
  return {
    async open(): Promise<ExportStorage> {
      if (opened === undefined) {
        const [{ attach }, { loadConfig }, { createObjectStorage }] = await Promise.all([
          import("../stack/find-services.ts"),
          import("../../config.ts"),
          import("../../storage/create-object-storage.ts"),
        ]);
        await attach(dataDirectory);
        const { storage } = loadConfig();
        opened = { storage: createObjectStorage(storage), bucket: storage.bucket };
      }
      return opened;
    },
    close: () => opened?.storage.close(),
  };
}
