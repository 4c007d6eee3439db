import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Block } from "@aws-sdk/client-textract";
import pLimit from "p-limit";
import { DocketError } from "../../contract/failures.ts";
import type { RecognizedPage } from "../../contract/page.ts";
import { analysedBlocks } from "./analysed-blocks.ts";
import { checkStartOfDocument } from "./document-limits.ts";
import { modelVersion } from "./job-answer.ts";
import type { Ledger } from "./ledger.ts";
import { type ReadingSettings, readDocument } from "./read-document.ts";
import { synchronousError } from "./reading-failure.ts";
import type { SynchronousRequest } from "./request-shapes.ts";
import { queriesOf } from "./request-shapes.ts";
import type { SourceObjects } from "./source-objects.ts";
import { invalidS3Object, textractError } from "./textract-error.ts";
import { checkSynchronous } from "./validate-request.ts";

/** Requests that wait for their turn; more are refused. */
const maxWaiting = 16;

/** DetectDocumentText and AnalyzeDocument: one page, read while the caller waits. */
export function createReadAtOnce(ports: {
  objects: SourceObjects;
  ledger: Ledger;
  reading: ReadingSettings;
  /** Folder for documents while they are read. */
  workFolder: string;
  /** Documents read at the same time, besides those of jobs. */
  concurrency: number;
  stopping: AbortSignal;
}) {
  const turn = pLimit(ports.concurrency);

  return async function readAtOnce(
    operation: "DetectDocumentText" | "AnalyzeDocument",
    request: SynchronousRequest,
    gone: AbortSignal,
  ) {
    const bytes = checkSynchronous(request);
    if (turn.pendingCount >= maxWaiting) throw textractError("ProvisionedThroughputExceededException");
    const features = request.FeatureTypes ?? [];
    const id = randomUUID();
    const file = join(ports.workFolder, id);
    const signal = AbortSignal.any([gone, ports.stopping]);
    try {
      await mkdir(ports.workFolder, { recursive: true });
      await fetchDocument(request, bytes, file, signal);
      const page = await turn(async () => {
        signal.throwIfAborted();
        return readPage(file, features.includes("TABLES"), signal);
      });
      const { bucket, key } = locationOf(request);
      const ran = { jobId: null, token: null, operation, features, bucket, key, status: "SUCCEEDED" };
      await ports.ledger.record({ ...ran, pages: 1, billedPages: 1 });
      const blocks: Block[] = analysedBlocks(page, { jobId: id, features, queries: queriesOf(request) });
      return { DocumentMetadata: { Pages: 1 }, Blocks: blocks, ...modelVersion(operation) };
    } catch (error) {
      throw synchronousError(error);
    } finally {
      await rm(file, { force: true });
    }
  };

  async function fetchDocument(
    request: SynchronousRequest,
    bytes: Uint8Array | undefined,
    file: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (bytes !== undefined) {
      checkStartOfDocument(bytes, bytes.length, "synchronous");
      await writeFile(file, bytes);
      return;
    }
    const object = request.Document.S3Object;
    if (object === undefined) throw invalidS3Object();
    const { document, start } = await ports.objects.inspect(object);
    checkStartOfDocument(start, document.size, "synchronous");
    await ports.objects.download(document, file, signal);
  }

  async function readPage(file: string, rules: boolean, signal: AbortSignal): Promise<RecognizedPage> {
    const read: RecognizedPage[] = [];
    const { failures } = await readDocument(
      {
        file,
        name: "the document",
        mode: "synchronous",
        firstPage: 1,
        rules,
        signal,
        onCounted() {},
        onPage: (page) => void read.push(page),
      },
      ports.reading,
    );
    const [page] = read;
    if (page !== undefined) return page;
    const failure = failures[0]?.failure;
    throw new DocketError(failure?.type ?? "Internal", failure?.message ?? "the page was not read");
  }
}

function locationOf(request: SynchronousRequest): { bucket: string | null; key: string | null } {
  const object = request.Document.S3Object;
  return { bucket: object?.Bucket ?? null, key: object?.Name ?? null };
}
