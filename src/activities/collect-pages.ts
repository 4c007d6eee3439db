import { once } from "node:events";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import { byDriver, type Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { requireOwnerNow, superseded } from "../database/document-owner.ts";
import { countPages, type PageWriter, type StoredPage, storePages } from "../database/store-pages.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { AnswerReader } from "../textract/answer-reader.ts";
import type { DocumentPart } from "../textract/choose-attempt.ts";
import { findNextToken } from "../textract/next-token.ts";
import type { AnswerRead } from "../textract/read-answer.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import { BatchLine } from "./batch-line.ts";
import { keep } from "./keep-result.ts";
import { leaveNothingBehind } from "./leave-nothing-behind.ts";
import { pagesStillMissing } from "./missing-pages.ts";
import { resultSoFar } from "./result-so-far.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";
import type { CollectedPages, CollectRequest } from "./textract-steps.ts";

/** Where reading goes on after a crash: the answer in which the first page that is not stored begins. */
interface Position {
  /** Token of that answer; null for the first. */
  nextToken: string | null;
  /** 1-based number of that answer. */
  part: number;
  /** Pages up to this number, as Textract counts them, are stored. */
  storedPages: number;
}

/** What an answer adds to a document. */
interface AnswerToStore {
  /** The pages that it completes. */
  pages: StoredPage[];
  /** When the answer is in S3. */
  kept: Promise<void>;
  /** Where reading goes on once its pages are stored. */
  position: Position;
}

/** Blocks in one answer; Textract's maximum. */
const blocksPerAnswer = 1000;

/**
 * Answers for each page that Textract reports. No page fills so many: with tables and forms it fills some twenty. What
 * answers in Textract's place may go on for ever, and each of its answers would be kept.
 */
const answersOfAPage = 200;

/** Answers whose pages wait for those before them, and are stored by one statement. Of pages each may have a thousand. */
const answersToStore = 3;

/**
 * Streams the result of a finished job, one answer of blocks after another: pages into the database, the answers
 * themselves into S3 as Textract gave them. Then compares expected, reported and stored pages and names those that are
 * missing. A page that Textract warns of is not stored: the raw answers have what it gave of it.
 *
 * Idempotent: pages and answers are written under keys that depend only on the job and their number, so that a second
 * reading writes the same; the heartbeat holds the position, so that a retry reads on from there, answers that are in S3
 * already out of S3. A result that was collected to its end is not read again.
 *
 * Only the run that owns the document keeps answers. One whose document is deleted meanwhile removes those that came
 * behind the deletion's back.
 */
export function createCollectPages(ports: {
  database: Database;
  storage: ObjectStorage;
  /** Bucket for raw results. */
  bucket: string;
  textract: { inRegion(region: string): TextractApi };
}) {
  const reader = new AnswerReader();
  return async function collectPages(request: CollectRequest): Promise<CollectedPages> {
    const { documentId, job, finished, expectedPages } = request;
    const executor = byDriver(ports.database);
    const { runId } = currentRun();
    const { collected, owned } = await resultSoFar(executor, { documentId, runId, job });
    if (collected === null) {
      const reached: { position: unknown } = { position: activityInfo().heartbeatDetails };
      // A request may wait for its turn at the region's rate for longer than the heartbeat time-out.
      await stayAlive(
        () =>
          readResult(request, reached, owned).catch((error) => {
            // For who goes on. Until here the one every few seconds is enough: a heartbeat for each answer is work.
            heartbeat(reached.position);
            // An answer may be on its way into S3 while the document is deleted.
            const written = { documentId, ledgerId: job.ledgerId, bucket: ports.bucket, prefix: rawPrefix(request) };
            return leaveNothingBehind(ports, written, error);
          }),
        () => reached.position,
      );
    }
    const whole = request.part?.wholeLedgerId ?? job.ledgerId;
    const of = { ledgerId: whole, jobId: job.jobId, jobLedgerId: job.ledgerId, expectedPages };
    const counted = await countPages(executor, documentId, of);
    const missing = pagesStillMissing(request, counted.stored, counted.unread);
    const detail = { jobId: job.jobId, pages: finished.pages, expectedPages, missing: missing.slice(0, 100) };
    const event = { documentId, runId, kind: "pages-collected" as const, detail };
    await recordEvent(executor, { ...event, discriminator: String(job.attempt) });
    return { missing };
  };

  /**
   * While one answer is asked for, the one before it is read, and kept at the same time, and pages of earlier ones are
   * stored. Two answers at most are asked for and not kept yet: so many a retry asks for again. Pages are stored in order,
   * each after the answers that it comes from; the position counts what is both.
   */
  async function readResult(request: CollectRequest, reached: { position: unknown }, isOwned: boolean): Promise<void> {
    const { documentId, features, job } = request;
    const writer: PageWriter = { engine: "textract", writtenBy: job.jobId, runId: currentRun().runId };
    const api = ports.textract.inRegion(job.region);
    const rawKeys = new Map<number, string>();
    // A document that is deleted by now has nothing to be asked for.
    if (!isOwned) throw superseded(documentId, writer.runId);
    const start = startingPosition();
    let { nextToken, part, storedPages } = start;
    let openPageBegan: Omit<Position, "storedPages"> = { nextToken, part };

    const place = { bucket: ports.bucket, setting: "DOCKET_BUCKET" };
    const rawKeyOf = (number: number) => `${rawPrefix(request)}${number}`;
    const ask = (token: string | null) =>
      awaited(api.getBody({ jobId: job.jobId, features, maxResults: blocksPerAnswer, nextToken: token ?? undefined }));
    const keepAnswer = async (key: string, body: Uint8Array) => {
      await requireOwnerNow(byDriver(ports.database), documentId, writer.runId);
      await keep(ports.storage, place, key, body, "application/json");
    };
    let openPage = 0;
    let open: Uint8Array | null = null;
    const most = answersOfAPage * Math.max(1, request.finished.pages);
    const read = async (body: Uint8Array) => {
      const name = `document ${documentId}, answer ${part} of job ${job.jobId}`;
      const answer = await reader.read({ name, body, open, after: start.storedPages });
      if (answer.nextToken !== null && answer.nextToken === nextToken) throw endless(name, "leads to itself");
      if (answer.nextToken !== null && part >= most) throw endless(name, "is not the last one");
      return answer;
    };
    // What an earlier attempt has read lies in S3: Textract need not be asked for it again.
    let kept = activityInfo().attempt > 1;
    let asked: { token: string | null; body: Promise<Buffer> } | null = null;
    let keeping: Promise<void> = Promise.resolve();
    const storing = new BatchLine<AnswerToStore>(answersToStore, async (answers) => {
      await Promise.all(answers.map((answer) => answer.kept));
      const pages = answers.flatMap((answer) => answer.pages);
      await store(request, writer, pages);
      reached.position = answers.at(-1)?.position;
    });

    try {
      for (;;) {
        // Of a document that was cancelled, or a worker that is stopped: the position is kept for who goes on.
        cancellationSignal().throwIfAborted();
        const rawKey = rawKeyOf(part);
        const stored = kept ? await storedAnswer(rawKey, read) : null;
        kept = stored !== null;
        let answer = stored;
        if (answer === null) {
          const body: Buffer = await unlessCancelled(asked?.token === nextToken ? asked.body : ask(nextToken));
          await keeping;
          keeping = awaited(keepAnswer(rawKey, body));
          const token = findNextToken(body);
          asked = token === null ? null : { token, body: ask(token) };
          answer = await read(body);
        }
        for (const number of answer.numbers) if (!rawKeys.has(number)) rawKeys.set(number, rawKey);

        const pages = answer.rows.map((row) => ({ row, rawKey: rawKeys.get(row.number) ?? null }));
        if (answer.openPage !== openPage) openPageBegan = { nextToken, part };
        ({ open, openPage } = answer);
        storedPages = pages.at(-1)?.row.number ?? storedPages;
        for (const number of rawKeys.keys()) if (number <= storedPages) rawKeys.delete(number);

        await storing.add({ pages, kept: keeping, position: { ...openPageBegan, storedPages } });
        if (answer.nextToken === null) break;
        nextToken = answer.nextToken;
        part++;
      }
    } finally {
      // Nothing goes on behind the back of the next attempt.
      await Promise.allSettled([keeping]);
      await storing.end();
    }
  }

  /** The answer that an earlier attempt has kept; null where it had not come so far, or kept none that can be read. */
  async function storedAnswer(
    key: string,
    read: (body: Uint8Array) => Promise<AnswerRead>,
  ): Promise<AnswerRead | null> {
    let body: Uint8Array;
    try {
      body = await ports.storage.readWhole({ bucket: ports.bucket, key });
    } catch (error) {
      if (error instanceof DocketError && error.type === "ObjectMissing") return null;
      throw error;
    }
    return read(body).catch((error) => {
      if (error instanceof DocketError) return null;
      throw error;
    });
  }

  async function store(
    { documentId, finished, part }: CollectRequest,
    writer: PageWriter,
    pages: readonly StoredPage[],
  ): Promise<void> {
    const failed = new Set(finished.failedPages.map(({ page }) => page));
    const rows = pages
      .filter(({ row }) => !failed.has(row.number))
      .map(({ row, rawKey }) => ({ row: { ...row, number: numberInDocument(row.number, part) }, rawKey }));
    await storePages(ports.database, documentId, writer, rows);
  }
}

/** Where the answers of a job are kept. */
function rawPrefix({ documentId, job }: CollectRequest): string {
  return `textract/${documentId}/${job.jobId}/`;
}

/** @param what of the answer makes a result without an end of it */
function endless(name: string, what: string): DocketError {
  return new DocketError("TextractRefused", `Textract, ${name}: it ${what}, so that the result has no end.`, {
    remedy:
      "Textract gives no such results: see what answers in its place (AWS_ENDPOINT_URL_TEXTRACT, a proxy), then submit " +
      "again. The job is not paid again.",
  });
}

/** An answer, for as long as somebody waits for it: no attempt that is given up holds its place until it comes. */
async function unlessCancelled<T>(answer: Promise<T>): Promise<T> {
  const cancellation = cancellationSignal();
  cancellation.throwIfAborted();
  const answered = new AbortController();
  const cancelled = once(cancellation, "abort", { signal: answered.signal }).then(() =>
    Promise.reject(cancellation.reason),
  );
  try {
    return await Promise.race([answer, awaited(cancelled)]);
  } finally {
    answered.abort();
  }
}

/** Something that is awaited later: a failure until then is not one that nobody looks at. */
function awaited<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** The page's number in the document, whatever its number in the small document that Textract read. */
function numberInDocument(number: number, part: DocumentPart | undefined): number {
  if (part === undefined) return number;
  const inDocument = part.pages[number - 1];
  if (inDocument !== undefined) return inDocument;
  const message = `Textract sent page ${number} of a document that was made of ${part.pages.length} pages.`;
  throw new DocketError("Internal", message);
}

function startingPosition(): Position {
  const resumed = activityInfo().heartbeatDetails as Position | undefined;
  return resumed === undefined ? { nextToken: null, part: 1, storedPages: 0 } : { ...resumed };
}
