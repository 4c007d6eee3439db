import { basename, resolve } from "node:path";
import pLimit from "p-limit";
import { DocketError, type Failure } from "../contract/failures.ts";
import { addItems, type NewItem } from "../database/batch-items.ts";
import { closeBatch } from "../database/batches.ts";
import type { Services } from "./connect.ts";
import { failureOf } from "./failure-of.ts";
import type { FoundFile } from "./find-documents.ts";
import { uploadFile } from "./hand-in-document.ts";
import type { ServiceWait } from "./service-wait.ts";

/** A document to put into a batch: a file to upload, or an object that is in S3 already. */
export type BatchEntry = (
  | { file: FoundFile; object?: undefined }
  | { object: { bucket: string; key: string }; file?: undefined }
) &
  Pick<NewItem, "project" | "priority" | "customFields">;

export interface FillOptions {
  project: string;
  wait: ServiceWait;
  signal: AbortSignal;
  /** Told after every page of items. */
  onProgress(handedIn: number): void;
  /** Told of each file that could not be uploaded; the others go on. */
  onRefused(file: string, failure: Failure): void;
}

const pageSize = 100;
const uploadsAtOnce = 4;

/**
 * Uploads files and adds them, page by page, to a batch, then closes it. What is uploaded and listed already is neither
 * uploaded nor listed again, so that a hand-in that was interrupted is simply done again.
 * @returns how many items the batch did not have before
 */
export async function fillBatch(
  services: Services,
  batchId: string,
  entries: AsyncIterable<BatchEntry> | Iterable<BatchEntry>,
  options: FillOptions,
): Promise<number> {
  const { wait, signal } = options;
  const limit = pLimit(uploadsAtOnce);
  let added = 0;
  let seen = 0;
  let page: BatchEntry[] = [];
  const flush = async () => {
    signal.throwIfAborted();
    const items = await Promise.all(page.map((entry) => limit(() => itemOf(services, entry, options))));
    const present = items.filter((item) => item !== null);
    if (present.length > 0) added += await wait.through(() => addItems(services.database, batchId, present));
    seen += page.length;
    page = [];
    options.onProgress(seen);
  };
  for await (const entry of entries) {
    page.push(entry);
    if (page.length === pageSize) await flush();
  }
  if (page.length > 0) await flush();
  await wait.through(() => closeBatch(services.database, batchId));
  return added;
}

async function itemOf(services: Services, entry: BatchEntry, options: FillOptions): Promise<NewItem | null> {
  const { file, object, ...fields } = entry;
  if (object !== undefined) return { ...object, ...fields };
  const project = fields.project ?? options.project;
  const { signal, wait } = options;
  try {
    signal.throwIfAborted();
    const stored = await wait.through(() => uploadFile(services, file, project, signal));
    const { document, sha256 } = stored;
    const source = resolve(file.path).slice(0, 2048);
    return {
      ...document,
      sha256,
      fileName: basename(file.path),
      source,
      reference: `${project}\n${source}`,
      ...fields,
    };
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error);
    // An outage that outlasted the wait would be the next file's, too.
    if (error instanceof DocketError && failure.type.endsWith("Unavailable")) throw error;
    options.onRefused(file.file, failure);
    return null;
  }
}
