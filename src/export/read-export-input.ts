import { join } from "node:path";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { DocumentReader } from "../database/document-reader.ts";
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
 * @param signal makes the next reading of pages, raw answers or the original fail with its reason
 * @throws {DocketError} `RecordMissing`, `DatabaseUnavailable`
 */
export async function readExportInput(
  reader: DocumentReader,
  openStorage: () => Promise<ExportStorage>,
  documentId: string,
  folder: string,
  signal: AbortSignal,
): Promise<ExportInput> {
  const row = await reader.document(documentId);
  if (row === undefined) throw new DocketError("RecordMissing", `There is no document ${documentId}.`);
  const { bucket: originalBucket, key, version, parts, id, ...rest } = row;
  const location: DocumentLocation = { bucket: originalBucket, key, ...(version === null ? {} : { version }) };
  // Jobs that read some pages only, as a document of their own with numbers of its own.
  const pagesOfJob = new Map(parts.map(({ jobId, pages }) => [jobId, pages]));
  let original: Promise<string> | undefined;
  return {
    document: {
      documentId: id,
      ...rest,
      fileName: row.fileName ?? id,
      source: row.source ?? "",
      customFields: row.customFields ?? {},
    },
    location,
    pages: () => readPages(reader, documentId, pagesOfJob, signal),
    async readRaw(rawKey) {
      signal.throwIfAborted();
      const { storage, bucket } = await openStorage();
      return storage.readWhole({ bucket, key: rawKey });
    },
    original() {
      original ??= (async () => {
        const path = join(folder, "original");
        await fetchOriginal((await openStorage()).storage, location, row.sha256, path, signal);
        return path;
      })();
      return original;
    },
  };
}

async function* readPages(
  reader: DocumentReader,
  documentId: string,
  pagesOfJob: ReadonlyMap<string, number[]>,
  signal: AbortSignal,
): AsyncGenerator<ExportedPage> {
  for (let after = 0; ; ) {
    signal.throwIfAborted();
    const rows = await reader.pagesAfter(documentId, after, batch);
    for (const row of rows) {
      const inPart = pagesOfJob.get(row.writtenBy)?.indexOf(row.number) ?? -1;
      yield { ...row, numberInJob: inPart < 0 ? row.number : inPart + 1 };
    }
    after = rows.at(-1)?.number ?? after;
    if (rows.length < batch) return;
  }
}
