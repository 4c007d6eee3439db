import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { type BatchOptions, type OpenBatch, openBatch, startPrefixBatch } from "../../client/batches.ts";
import type { Services } from "../../client/connect.ts";
import { failureOf } from "../../client/failure-of.ts";
import { type BatchEntry, fillBatch } from "../../client/fill-batch.ts";
import { type FoundFile, findDocuments, whyRefused, whyUnreadable } from "../../client/find-documents.ts";
import { readManifest } from "../../client/read-manifest.ts";
import type { ServiceWait } from "../../client/service-wait.ts";
import { DocketError, type Failure } from "../../contract/failures.ts";
import { finishBatchRow } from "../../database/batches.ts";
import { note } from "../output.ts";
import { formatCount } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";
import type { BatchSource } from "./batch-source.ts";

export interface HandInBatch {
  services: Services;
  source: BatchSource;
  options: BatchOptions;
  /** Nothing is started when a row of a manifest, or a file, cannot be taken. */
  strict: boolean;
  wait: ServiceWait;
  signal: AbortSignal;
}

/** What was handed in, and how much of the source could not be. */
export interface HandedInBatch {
  /** One, or several where another hand-in of the same source was under way and closed the first. */
  batchIds: string[];
  refused: number;
}

const mostTold = 100;

/**
 * Hands a batch in: a prefix by its address alone, files and manifests item by item.
 * @throws {DocketError} `InvalidInput` for a strict batch with something that cannot be taken
 */
export async function handInBatch(request: HandInBatch): Promise<HandedInBatch> {
  const { source } = request;
  if (source.kind === "prefix") {
    return { batchIds: [await prefixBatch(request, source)], refused: 0 };
  }
  return source.kind === "manifest" ? manifestBatch(request, source.file) : filesBatch(request, source.paths);
}

async function prefixBatch(
  { services, options, wait, signal }: HandInBatch,
  { bucket, prefix }: { bucket: string; prefix: string },
): Promise<string> {
  const batchId = randomUUID();
  try {
    await wait.through(() => startPrefixBatch(services, batchId, { bucket, prefix }, options));
    return batchId;
  } catch (error) {
    // Nobody would ever work on it. Should its start have been taken after all, its workflow ends at once.
    if (!signal.aborted) {
      await finishBatchRow(services.database, batchId, "cancelled", failureOf(error)).catch(() => undefined);
    }
    throw error;
  }
}

async function filesBatch(request: HandInBatch, paths: string[]): Promise<HandedInBatch> {
  const found = await findDocuments(paths, { cwd: process.cwd() });
  const refused = refusals(request.strict);
  for (const { file, failure } of found.refused) refused.tell(refusal(file, failure));
  if (request.strict) {
    for (const file of found.files) {
      const failure = await whyUnreadable(file);
      if (failure !== null) refused.tell(refusal(file.file, failure));
    }
    refused.stopIfStrict();
  }
  const entries = found.files.map((file) => ({ file }));
  return fill(request, paths.map((path) => resolve(path)).join(" "), entries, refused);
}

async function manifestBatch(request: HandInBatch, file: string): Promise<HandedInBatch> {
  const { bucket } = request.services.config.storage;
  const refused = refusals(request.strict);
  const entries = async function* (): AsyncGenerator<BatchEntry> {
    for await (const row of readManifest(file, bucket)) {
      if ("problem" in row) {
        refused.tell(`${file} line ${row.line} ${row.problem}`);
        continue;
      }
      const { path, object, line, ...fields } = row;
      if (object !== null) yield { object, ...fields };
      if (path === null) continue;
      const found: FoundFile = { file: `${file} line ${line}: ${path}`, path };
      const failure = await whyRefused(found);
      if (failure === null) yield { file: found, ...fields };
      else refused.tell(refusal(found.file, failure));
    }
  };
  if (request.strict) {
    for await (const _ of entries());
    refused.stopIfStrict();
  }
  const rows = entries();
  // A manifest that cannot be read is found out before there is a batch that would wait for its rows.
  const first = await rows.next();
  return fill(request, resolve(file), first.done ? [] : startingWith(first.value, rows), refused);
}

async function* startingWith<T>(first: T, others: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* others;
}

async function fill(
  { services, options, wait, signal }: HandInBatch,
  source: string,
  entries: AsyncIterable<BatchEntry> | Iterable<BatchEntry>,
  refused: ReturnType<typeof refusals>,
): Promise<HandedInBatch> {
  const { batchId, kept } = await wait.through(() => openBatch(services, source, options));
  if (kept !== null) note(goingOn(batchId, kept, options));
  const nextBatch = async () => {
    const next = await wait.through(() => openBatch(services, source, options));
    note(`Batch ${next.batchId} takes what another hand-in of the same source left out.`);
    return next.batchId;
  };
  const { batchIds, cancelled } = await fillBatch(services, batchId, entries, {
    project: options.project,
    wait,
    signal,
    nextBatch,
    onProgress: (handedIn) => note(`${formatCount(handedIn)} handed in`),
    onRefused: (file: string, failure: Failure) => refused.tell(refusal(file, failure)),
  });
  if (cancelled) refused.tell(`what is left of ${source}: batch ${batchIds.at(-1)} was cancelled`);
  return { batchIds, refused: refused.count() };
}

/** Its settings may have been changed since it was begun: they are kept, and it is told where others are asked for now. */
function goingOn(id: string, kept: NonNullable<OpenBatch["kept"]>, { window, priority }: BatchOptions): string {
  const settings =
    kept.window === window && kept.priority === priority
      ? ""
      : `, with its window of ${kept.window} and its priority ${kept.priority} (\`docket batch set ${id.slice(0, 8)}\` changes them)`;
  return `Batch ${id} was not handed in to its end: going on with it${settings}.`;
}

/** A failure with the file's name, which most messages begin with. */
function refusal(file: string, { message }: Failure): string {
  return message.startsWith(file) ? message : `${file}: ${message}`;
}

/** Says what cannot be taken, and counts it. */
function refusals(strict: boolean) {
  let count = 0;
  return {
    count: () => count,
    tell(what: string): void {
      count += 1;
      if (count <= mostTold) note(`refused: ${printableLine(what)}`);
      if (count === mostTold + 1) note("refused: and more");
    },
    stopIfStrict(): void {
      if (!strict || count === 0) return;
      throw new DocketError(
        "InvalidInput",
        `${formatCount(count)} of the entries cannot be taken, and nothing was started.`,
        {
          remedy: "Correct what is named above, or leave out --strict.",
        },
      );
    },
  };
}
