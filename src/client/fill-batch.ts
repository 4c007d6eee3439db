import { basename, resolve } from "node:path";
import pLimit from "p-limit";
import { DocketError, type Failure } from "../contract/failures.ts";
import { addItems, type NewItem } from "../database/batch-items.ts";
import { closeBatch, readBatches } from "../database/batches.ts";
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
  /** Makes another batch of the same source, for what the first one does not take any more. @returns its id */
  nextBatch(): Promise<string>;
  /** Told after every page of items. */
  onProgress(handedIn: number): void;
  /** Told of each file that could not be uploaded; the others go on. */
  onRefused(file: string, failure: Failure): void;
}

const pageSize = 100;
const uploadsAtOnce = 4;

/** Where the items of a source are. */
export interface FilledBatches {
  /** The batch that was to be filled, and those that another hand-in of the same source made necessary. */
  batchIds: string[];
  /** Somebody cancelled the last of them before everything was handed in: the rest was left out. */
  cancelled: boolean;
}

/**
 * Uploads files and adds them, page by page, to a batch, then closes it. What is uploaded and listed already is neither
 * uploaded nor listed again, so that a hand-in that was interrupted is simply done again. Where another hand-in of the
 * same source has closed the batch meanwhile, what it lacks goes into the next one.
 */
export async function fillBatch(
  services: Services,
  batchId: string,
  entries: AsyncIterable<BatchEntry> | Iterable<BatchEntry>,
  options: FillOptions,
): Promise<FilledBatches> {
  const { wait, signal } = options;
  const { database } = services;
  const limit = pLimit(uploadsAtOnce);
  const batchIds = [batchId];
  let latest = batchId;
  let seen = 0;
  let page: BatchEntry[] = [];
  /** @returns false where the batch was cancelled */
  const flush = async (): Promise<boolean> => {
    signal.throwIfAborted();
    const items = await Promise.all(page.map((entry) => limit(() => itemOf(services, entry, options))));
    let left = items.filter((item) => item !== null);
    for (;;) {
      if (left.length > 0) left = await wait.through(() => addItems(database, latest, left));
      if (left.length === 0) break;
      const [batch] = await wait.through(() => readBatches(database, { id: latest }));
      if (batch?.state === "cancelled") return false;
      latest = await options.nextBatch();
      batchIds.push(latest);
    }
    seen += page.length;
    page = [];
    options.onProgress(seen);
    return true;
  };
  for await (const entry of entries) {
    page.push(entry);
    if (page.length === pageSize && !(await flush())) return { batchIds, cancelled: true };
  }
  if (page.length > 0 && !(await flush())) return { batchIds, cancelled: true };
  await wait.through(() => closeBatch(database, latest));
  return { batchIds, cancelled: false };
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
      // With its content: a file that changed since a hand-in that was interrupted is another item.
      reference: `${project}\n${source}\n${sha256}`,
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
