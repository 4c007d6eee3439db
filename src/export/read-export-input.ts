import { join } from "node:path";
import { DocketError } from "../contract/failures.ts";
import type { Line, PageSource } from "../contract/page.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { ExportedPage, ExportInput } from "./export-input.ts";
import { fetchOriginal } from "./fetch-original.ts";

/** Pages that are in memory at once: a dense one has some 100 KB of words. */
const batch = 4;

/** Where a document's bytes and raw answers come from; opened when a format first needs them. */
export interface ExportStorage {
  storage: ObjectStorage;
  /** Bucket of raw results. */
  bucket: string;
}

/**
 * A document ready to be exported.
 * @param folder for the original, if a format needs it; the caller removes it
 * @throws {DocketError} `RecordMissing`
 */
export async function readExportInput(
  database: Database,
  openStorage: () => Promise<ExportStorage>,
  documentId: string,
  folder: string,
): Promise<ExportInput> {
  const row = await database.document.findUnique({
    where: { id: documentId },
    include: {
      metadata: true,
      project: { select: { slug: true } },
      textractJobs: { where: { pageNumbers: { isEmpty: false } }, select: { jobId: true, pageNumbers: true } },
      _count: { select: { pages: true } },
    },
  });
  if (row === null) throw new DocketError("RecordMissing", `There is no document ${documentId}.`);
  const location: DocumentLocation = {
    bucket: row.bucket,
    key: row.key,
    ...(row.objectVersion === null ? {} : { version: row.objectVersion }),
  };
  const sha256 = row.metadata?.sha256 ?? null;
  // Jobs that read some pages only, as a document of their own with numbers of its own.
  const parts = new Map(row.textractJobs.map(({ jobId, pageNumbers }) => [jobId, pageNumbers]));
  let original: Promise<string> | undefined;
  return {
    document: {
      documentId: row.id,
      fileName: row.metadata?.fileName ?? row.id,
      project: row.project.slug,
      status: row.status,
      engine: row.engine.replaceAll("_", "-"),
      features: row.features,
      mediaType: row.metadata?.mediaType ?? null,
      sha256,
      source: row.metadata?.source ?? "",
      customFields: (row.metadata?.customFields ?? {}) as Record<string, string>,
      expectedPages: row.expectedPages,
      storedPages: row._count.pages,
      characters: row.characters,
      meanConfidence: row.meanConfidence,
    },
    location,
    pages: () => readPages(database, documentId, parts),
    async readRaw(key) {
      const { storage, bucket } = await openStorage();
      const { size } = await storage.head({ bucket, key });
      return storage.read({ bucket, key }, 0, size);
    },
    original() {
      original ??= (async () => {
        const path = join(folder, "original");
        await fetchOriginal((await openStorage()).storage, location, sha256, path);
        return path;
      })();
      return original;
    },
  };
}

async function* readPages(
  database: Database,
  documentId: string,
  parts: ReadonlyMap<string | null, number[]>,
): AsyncGenerator<ExportedPage> {
  for (let after = 0; ; ) {
    const rows = await database.page.findMany({
      where: { documentId, number: { gt: after } },
      omit: { documentId: true, storedAt: true },
      orderBy: { number: "asc" },
      take: batch,
    });
    for (const row of rows) {
      const source = row.source.replaceAll("_", "-") as PageSource;
      const inPart = parts.get(row.writtenBy)?.indexOf(row.number) ?? -1;
      const numberInJob = inPart < 0 ? row.number : inPart + 1;
      yield { ...row, source, lines: row.lines as unknown as Line[], numberInJob };
    }
    after = rows.at(-1)?.number ?? after;
    if (rows.length < batch) return;
  }
}
