import { activityInfo, heartbeat } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import type { RecognizedPage } from "../contract/page.ts";
import type { Feature } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { missingPages, type PageWriter, storePages } from "../database/store-pages.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { PageBuilder } from "../textract/pages-from-blocks.ts";
import type { JobResult, TextractApi } from "../textract/textract-api.ts";
import type { FinishedJob } from "./await-textract.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";
import type { SubmittedJob } from "./submit-textract.ts";

export interface CollectRequest {
  documentId: string;
  features: Feature[];
  job: SubmittedJob;
  finished: FinishedJob;
  expectedPages: number;
}

/** Where reading goes on after a crash: the answer in which the first page that is not stored begins. */
interface Position {
  /** Token of that answer; null for the first. */
  nextToken: string | null;
  /** 1-based number of that answer. */
  part: number;
  /** Pages up to this number are stored. */
  storedPages: number;
}

/** Blocks in one answer; Textract's maximum. */
const blocksPerAnswer = 1000;

/**
 * Streams the result of a finished job, one answer of blocks after another: pages into the database, the answers
 * themselves into S3 as Textract gave them. Then proves that no page is missing: expected, reported and stored agree.
 *
 * Idempotent: pages and answers are written under keys that depend only on the job and their number, so that a second
 * reading writes the same; the heartbeat holds the position, so that a retry reads on from there.
 */
export function createCollectPages(ports: {
  database: Database;
  storage: ObjectStorage;
  /** Bucket for raw results. */
  bucket: string;
  textract: { inRegion(region: string): TextractApi };
}) {
  return async function collectPages(request: CollectRequest): Promise<void> {
    const reached: { position: unknown } = { position: activityInfo().heartbeatDetails };
    // A request may wait for its turn at the region's rate for longer than the heartbeat time-out.
    await stayAlive(
      () => collect(request, reached),
      () => reached.position,
    );
  };

  async function collect(request: CollectRequest, reached: { position: unknown }): Promise<void> {
    const { documentId, features, job, finished, expectedPages } = request;
    const writer: PageWriter = { engine: "textract", writtenBy: job.jobId, runId: currentRun().runId };
    const api = ports.textract.inRegion(job.region);
    const builder = new PageBuilder();
    const rawKeys = new Map<number, string>();
    const position = startingPosition();
    let { nextToken, part } = position;
    let openPageBegan: Omit<Position, "storedPages"> = { nextToken, part };

    for (;;) {
      const result = await api.get({
        jobId: job.jobId,
        features,
        maxResults: blocksPerAnswer,
        nextToken: nextToken ?? undefined,
      });
      const rawKey = `textract/${documentId}/${job.jobId}/${part}`;
      await ports.storage.put(ports.bucket, rawKey, rawAnswer(result), "application/json");
      for (const block of result.blocks) {
        if (block.Page !== undefined && !rawKeys.has(block.Page)) rawKeys.set(block.Page, rawKey);
      }

      const before = builder.openPage;
      const complete = builder.add(result.blocks.filter((block) => (block.Page ?? 1) > position.storedPages));
      if (result.nextToken === undefined) complete.push(...builder.finish());
      await store(documentId, writer, complete, rawKeys);
      if (builder.openPage !== before) openPageBegan = { nextToken, part };
      position.storedPages = complete.at(-1)?.number ?? position.storedPages;
      for (const number of rawKeys.keys()) if (number <= position.storedPages) rawKeys.delete(number);

      reached.position = { ...openPageBegan, storedPages: position.storedPages } satisfies Position;
      heartbeat(reached.position);
      if (result.nextToken === undefined) break;
      nextToken = result.nextToken;
      part++;
    }

    await proveComplete(request, writer);
    const detail = { jobId: job.jobId, pages: finished.pages, expectedPages, answers: part };
    const event = { documentId, runId: currentRun().runId, kind: "pages-collected" as const, detail };
    await recordEvent(ports.database, { ...event, discriminator: String(job.attempt) });
  }

  async function store(
    documentId: string,
    writer: PageWriter,
    pages: readonly RecognizedPage[],
    rawKeys: ReadonlyMap<number, string>,
  ): Promise<void> {
    const rows = pages.map((page) => ({ page, rawKey: rawKeys.get(page.number) ?? null }));
    await storePages(ports.database, documentId, writer, rows);
  }

  async function proveComplete(request: CollectRequest, writer: PageWriter): Promise<void> {
    const { documentId, finished, expectedPages, job } = request;
    const missing = await missingPages(ports.database, documentId, writer, expectedPages);
    const failed = new Map(finished.failedPages.map(({ page, code }) => [page, code]));
    const named = missing.map((page) => (failed.has(page) ? `${page} (${failed.get(page)})` : String(page)));
    if (failed.size > 0 || finished.status === "PARTIAL_SUCCESS") {
      const pages = named.length > 0 ? named.join(", ") : [...failed.keys()].join(", ") || "not named";
      throw new DocketError("PagesFailed", `Textract could not read pages ${pages} of document ${documentId}.`);
    }
    if (missing.length > 0 || finished.pages !== expectedPages) {
      const counts = `${expectedPages} expected, ${finished.pages} reported, ${expectedPages - missing.length} stored`;
      const pages = missing.length > 0 ? `; missing: ${summary(named)}` : "";
      throw new DocketError("PagesMissing", `Document ${documentId}, job ${job.jobId}: ${counts} pages${pages}.`);
    }
  }
}

function startingPosition(): Position {
  const resumed = activityInfo().heartbeatDetails as Position | undefined;
  return resumed === undefined ? { nextToken: null, part: 1, storedPages: 0 } : { ...resumed };
}

/** One answer in the shape of Textract's own response, so that response parsers read it. */
function rawAnswer(result: JobResult): string {
  return JSON.stringify({
    DocumentMetadata: { Pages: result.pages },
    JobStatus: result.status,
    NextToken: result.nextToken,
    Blocks: result.blocks,
    Warnings: result.warnings.length > 0 ? result.warnings : undefined,
    StatusMessage: result.statusMessage,
  });
}

/** The first few of a long list, and how many more. */
function summary(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}
