import { extname } from "node:path";
import type { BatchOptions } from "../../client/batches.ts";
import type { Services } from "../../client/connect.ts";
import { findDocuments, whyRefused } from "../../client/find-documents.ts";
import { readManifest } from "../../client/read-manifest.ts";
import { DocketError } from "../../contract/failures.ts";
import { documentExtensions } from "../../media/document-names.ts";
import type { BatchSource } from "./batch-source.ts";
import { objectsOf, type Planned, type PlannedObject, printPlan } from "./print-plan.ts";

/** `docket batch --dry-run`: what the batch would do. @returns the exit code */
export async function planBatch(
  services: Services,
  source: BatchSource,
  { engine, features, project, force }: BatchOptions,
  json: boolean,
): Promise<number> {
  const { config, database, storage } = services;
  const ports = { engine, features, ocrLimits: config.ocr, storage, known: { database, project, force } };
  return printPlan(ports, await plannedOf(services, source), json);
}

async function plannedOf({ config, storage }: Services, source: BatchSource): Promise<Planned> {
  if (source.kind === "files") {
    return { ...(await findDocuments(source.paths, { cwd: process.cwd() })), objects: [] };
  }
  if (source.kind === "prefix") {
    const isDocument = (key: string) => documentExtensions.has(extname(key).toLowerCase());
    return { files: [], refused: [], objects: objectsOf(storage, source, isDocument) };
  }
  const planned: Pick<Planned, "files" | "refused"> = { files: [], refused: [] };
  const objects: PlannedObject[] = [];
  for await (const row of readManifest(source.file, config.storage.bucket)) {
    const file = `${source.file} line ${row.line}`;
    if ("problem" in row) {
      planned.refused.push({ file, failure: new DocketError("InvalidInput", `${file} ${row.problem}.`).toFailure() });
      continue;
    }
    const { project } = row;
    if (row.object !== null) objects.push({ ...row.object, project });
    else if (row.path !== null) {
      const found = { file: row.path, path: row.path, project };
      const failure = await whyRefused(found);
      if (failure === null) planned.files.push(found);
      else planned.refused.push({ file: row.path, failure });
    }
  }
  return { ...planned, objects };
}
