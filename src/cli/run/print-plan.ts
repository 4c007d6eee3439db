import type { FoundFile, RefusedFile } from "../../client/find-documents.ts";
import { type DocumentPlan, type PlanPorts, planFile, planObject } from "../../client/plan-document.ts";
import type { DocumentLocation } from "../../contract/process-document.ts";
import type { ObjectStorage } from "../../storage/object-storage.ts";
import { exitCodes } from "../exit-codes.ts";
import { note, print, printJson } from "../output.ts";
import { formatCount, formatUsd, plural } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";

interface OfProject {
  /** Where a document is meant for another project than the others. */
  project?: string | undefined;
}

/** An object that is to be looked at. */
export type PlannedObject = DocumentLocation & OfProject;

/** What is to be looked at. */
export interface Planned {
  files: (FoundFile & OfProject)[];
  objects: AsyncIterable<PlannedObject> | Iterable<PlannedObject>;
  refused: RefusedFile[];
}

/** Prints what would become of each document, and the sums. @returns the exit code: 2 where one would fail */
export async function printPlan(ports: PlanPorts, planned: Planned, json: boolean): Promise<number> {
  const seen = new Set<string>();
  const sums = { new: 0, reused: 0, refused: 0, pages: 0, costUsd: 0, savedUsd: 0 };
  const tell = async (plan: DocumentPlan) => {
    sums[plan.status] += 1;
    sums.pages += plan.status === "refused" ? 0 : (plan.pages ?? 0);
    sums.costUsd += plan.costUsd;
    sums.savedUsd += plan.savedUsd;
    if (json) return printJson(plan);
    const pages = plan.pages === null ? "" : `${plural(plan.pages, "page")}  `;
    const money = plan.status === "reused" ? "already there" : formatUsd(plan.costUsd);
    const what = plan.status === "refused" ? "would fail" : money;
    await print(`${what}  ${pages}${printableLine(plan.name)}`);
    for (const { type, message, remedy } of plan.failures)
      await print(`  ${type}: ${printableLine(message)} ${remedy}`);
  };
  for (const { file, failure } of planned.refused) {
    await tell({
      ...{ name: file, status: "refused", documentId: null, pages: null, costUsd: 0, savedUsd: 0 },
      failures: [failure],
    });
  }
  const portsOf = ({ project }: OfProject): PlanPorts =>
    project === undefined || ports.known === undefined ? ports : { ...ports, known: { ...ports.known, project } };
  for (const file of planned.files) await tell(await planFile(portsOf(file), file, seen));
  for await (const object of planned.objects) {
    if (ports.storage === undefined) throw new Error("objects need a storage");
    await tell(await planObject({ ...portsOf(object), storage: ports.storage }, object, seen));
  }
  const reused =
    sums.reused === 0 ? "" : `; ${formatCount(sums.reused)} already there, ${formatUsd(sums.savedUsd)} saved`;
  const failing = sums.refused === 0 ? "" : `; ${formatCount(sums.refused)} would fail`;
  note(
    `${plural(sums.new, "document")} to read, ${plural(sums.pages, "page")} in all: ${formatUsd(sums.costUsd)}${reused}${failing}`,
  );
  return sums.refused > 0 ? exitCodes.documentFailed : exitCodes.complete;
}

/** Objects of a prefix, page by page. */
export async function* objectsOf(
  storage: ObjectStorage,
  { bucket, prefix }: { bucket: string; prefix: string },
  isDocument: (key: string) => boolean,
): AsyncGenerator<DocumentLocation> {
  for (let after: string | null = null; ; ) {
    const { objects, more } = await storage.list(bucket, prefix, after);
    for (const { key, size } of objects) if (size > 0 && isDocument(key)) yield { bucket, key };
    after = objects.at(-1)?.key ?? after;
    if (!more) return;
  }
}
