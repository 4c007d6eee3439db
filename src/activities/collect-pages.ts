import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import { byDriver, type Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { requireOwner, superseded } from "../database/document-owner.ts";
import { countPages, type PageWriter, type StoredPage, storePages } from "../database/store-pages.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { AnswerReader } from "../textract/answer-reader.ts";
import type { DocumentPart } from "../textract/choose-attempt.ts";
import type { AnswerRead } from "../textract/read-answer.ts";
import type { TextractApi } from "../textract/textract-api.ts";
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

/** Blocks in one answer; Textract's maximum. */
const blocksPerAnswer = 1000;

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
   * While one answer is stored the next is kept and the one after that is on its way: three are in memory at most. Pages
   * are stored in order, each after the answers that it comes from; the position counts what is both. An answer that
   * cannot be read is not kept: the next attempt asks Textract for it again.
   */
  async function readResult(request: CollectRequest, reached: { position: unknown }, isOwned: boolean): Promise<void> {
    const { documentId, features, job } = request;
    const writer: PageWriter = { engine: "textract", writtenBy: job.jobId, runId: currentRun().runId };
    const api = ports.textract.inRegion(job.region);
    const rawKeys = new Map<number, string>();
    // A document that is deleted by now has nothing to be asked for.
    if (!isOwned) throw superseded(documentId, writer.runId);
    const start = startingPosition();
    const owned = () => requireOwner(byDriver(ports.database), documentId, writer.runId);
    let { nextToken, part, storedPages } = start;
    let openPageBegan: Omit<Position, "storedPages"> = { nextToken, part };

    const place = { bucket: ports.bucket, setting: "DOCKET_BUCKET" };
    const rawKeyOf = (number: number) => `${rawPrefix(request)}${number}`;
    const ask = (token: string | null) =>
      awaited(api.getBody({ jobId: job.jobId, features, maxResults: blocksPerAnswer, nextToken: token ?? undefined }));
    let openPage = 0;
    let open: Uint8Array | null = null;
    const read = (body: Uint8Array) => {
      const name = `document ${documentId}, answer ${part} of job ${job.jobId}`;
      return reader.read({ name, body, open, after: start.storedPages });
    };
    // What an earlier attempt has read lies in S3: Textract need not be asked for it again.
    let kept = activityInfo().attempt > 1;
    let asked: Promise<Buffer> | null = null;
    let keeping: Promise<void> = Promise.resolve();
    let storing: Promise<void> = Promise.resolve();

    try {
      for (;;) {
        // Of a document that was cancelled, or a worker that is stopped: the position is kept for who goes on.
        cancellationSignal().throwIfAborted();
        const rawKey = rawKeyOf(part);
        const stored = kept ? await storedAnswer(rawKey, read) : null;
        kept = stored !== null;
        const answer: AnswerRead = stored ?? (await read(await (asked ?? ask(nextToken))));
        asked = kept || answer.nextToken === null ? null : ask(answer.nextToken);
        const isKept = kept
          ? Promise.resolve()
          : awaited(owned().then(() => keep(ports.storage, place, rawKey, answer.body, "application/json")));
        keeping = isKept;
        for (const number of answer.numbers) if (!rawKeys.has(number)) rawKeys.set(number, rawKey);

        const rows = answer.rows.map((row) => ({ row, rawKey: rawKeys.get(row.number) ?? null }));
        if (answer.openPage !== openPage) openPageBegan = { nextToken, part };
        ({ open, openPage } = answer);
        storedPages = rows.at(-1)?.row.number ?? storedPages;
        for (const number of rawKeys.keys()) if (number <= storedPages) rawKeys.delete(number);

        await storing;
        const position: Position = { ...openPageBegan, storedPages };
        storing = awaited(
          isKept
            .then(() => store(request, writer, rows))
            .then(() => {
              reached.position = position;
              // Behind the last answer only moments are left, and every heartbeat is work for the server.
              if (answer.nextToken !== null) heartbeat(position);
            }),
        );
        if (answer.nextToken === null) break;
        nextToken = answer.nextToken;
        part++;
      }
    } finally {
      // Nothing goes on behind the back of the next attempt.
      await Promise.allSettled([keeping]);
      await storing;
    }
  }

  /** The answer that an earlier attempt has kept; null where it had not come so far, or kept none that can be read. */
  async function storedAnswer(
    key: string,
    read: (body: Uint8Array) => Promise<AnswerRead>,
  ): Promise<AnswerRead | null> {
    try {
      return await read(await ports.storage.readWhole({ bucket: ports.bucket, key }));
    } catch (error) {
      const none = error instanceof DocketError && ["ObjectMissing", "TextractUnavailable"].includes(error.type);
      if (none) return null;
      throw error;
    }
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
