import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DocketError } from "../../contract/failures.ts";
import { isWithoutRoom, pauseForRoom, requireRoom } from "./disk-room.ts";
import { writeOutput } from "./job-output.ts";
import type { JobStore } from "./job-store.ts";
import type { Ledger } from "./ledger.ts";
import type { PageResults, ResultWriter } from "./page-results.ts";
import { type ReadingSettings, readDocument } from "./read-document.ts";
import { statusMessage, warningCode } from "./reading-failure.ts";
import type { SourceObjects } from "./source-objects.ts";
import type { JobEnd, JobWarning, TextractJob } from "./textract-job.ts";

/** How long after its start a job waits for an S3 that does not answer. */
const storagePatienceMilliseconds = 10 * 60_000;
/** Before a job whose S3 does not answer is at the end of the line again. */
const pauseMilliseconds = 1000;

/** Runs accepted jobs, a few at a time, in the order in which they were handed in. */
export interface JobRunner {
  enqueue(job: TextractJob): void;
  /** Leaves running jobs where they are; the next process goes on with them. */
  stop(): Promise<void>;
}

export function createJobRunner(ports: {
  jobs: JobStore;
  results: PageResults;
  objects: SourceObjects;
  ledger: Ledger;
  reading: ReadingSettings;
  /** Folder for documents while they are read. */
  workFolder: string;
  /** Documents read at the same time. */
  concurrency: number;
  /** Called when a job's end is on the disk. */
  onEnded(job: TextractJob): Promise<void>;
  /** Told of what nobody waits for: a job that could not be written down, and which is run again; want of room once. */
  onError(error: unknown): void;
}): JobRunner {
  const queue: TextractJob[] = [];
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  /** How often each job could not be written down. */
  const rounds = new WeakMap<TextractJob, number>();
  return {
    enqueue(job) {
      queue.push(job);
      next();
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };

  function next(): void {
    while (running.size < ports.concurrency && !stopping.signal.aborted) {
      const job = queue.shift();
      if (job === undefined) return;
      const run = runJob(job)
        .catch((error) => goOnLater(job, error))
        .finally(() => {
          running.delete(run);
          next();
        });
      running.add(run);
    }
  }

  /** On a disk that is full for a while: the job runs again, with the pages that it has, until it ends or expires. */
  function goOnLater(job: TextractJob, error: unknown): void {
    if (stopping.signal.aborted) return;
    const round = rounds.get(job) ?? 0;
    rounds.set(job, round + 1);
    // A line for each try would be written to the disk that is full.
    if (round === 0 || !isWithoutRoom(error)) ports.onError(error);
    // An end that is written down, and that only its topic was not told, is told at the next start.
    if (job.end !== undefined) return;
    // It holds no place meanwhile: a smaller document may find room.
    delay(pauseForRoom(round), undefined, { signal: stopping.signal }).then(
      () => {
        if (ports.jobs.get(job.jobId) !== undefined) queue.push(job);
        next();
      },
      // The only error is the signal's, and then nobody takes jobs any more.
      () => {},
    );
  }

  async function runJob(job: TextractJob): Promise<void> {
    const { signal } = stopping;
    if (job.fault?.kind === "slow-job") await delay(job.fault.milliseconds, undefined, { signal });
    const writer = await ports.results.openWriter(job);
    let end: JobEnd;
    try {
      const codes = await readPages(job, writer, signal);
      await writer.finish();
      end = endOf(job, writer.storedPages, codes);
      await writeOutput(ports.objects, ports.results, job, end);
    } catch (error) {
      signal.throwIfAborted();
      // A full disk of this machine says nothing of the document: the job runs again, however long that takes.
      if (isWithoutRoom(error)) throw error;
      if (isStorageAway(error) && Date.now() - job.acceptedAt < storagePatienceMilliseconds) {
        // The job is not the document's victim: it goes back to the end of the line, with the pages that it has.
        await delay(pauseMilliseconds, undefined, { signal });
        queue.push(job);
        return;
      }
      end = { status: "FAILED", statusMessage: statusMessage(error), warnings: [], finishedAt: Date.now() };
    } finally {
      await writer.close();
    }
    // The ledger first: a crash between the two lines bills nothing twice, and no end is told that is not billed.
    await ports.ledger.record({
      jobId: job.jobId,
      token: job.token ?? null,
      operation: job.operation,
      features: job.features,
      bucket: job.document.bucket,
      key: job.document.key,
      status: end.status,
      pages: job.pages ?? null,
      billedPages: end.status === "FAILED" ? 0 : writer.storedPages.length,
    });
    await ports.jobs.finish(job, end);
    await ports.onEnded(job);
  }

  /** @returns codes of the pages that are known not to be readable */
  async function readPages(job: TextractJob, writer: ResultWriter, signal: AbortSignal): Promise<Map<number, string>> {
    const codes = new Map<number, string>();
    const { fault } = job;
    if (fault?.kind === "partial-success") for (const page of fault.pages) codes.set(page, fault.errorCode);
    const firstPage = (writer.storedPages.at(-1) ?? 0) + 1;
    job.pagesDone = writer.storedPages.length;
    if (job.pages !== undefined && firstPage > job.pages) return codes;
    const file = join(ports.workFolder, job.jobId);
    try {
      await mkdir(ports.workFolder, { recursive: true });
      await requireRoom(ports.workFolder, job.document);
      await ports.objects.download(job.document, file, signal);
      const { failures } = await readDocument(
        {
          file,
          name: `s3://${job.document.bucket}/${job.document.key}`,
          mode: "asynchronous",
          firstPage,
          rules: job.features.includes("TABLES"),
          signal,
          onCounted: async (pages) => {
            if (job.pages !== pages) await ports.jobs.counted(job, pages);
          },
          async onPage(page) {
            if (!codes.has(page.number)) await writer.append(page);
            job.pagesDone++;
          },
        },
        ports.reading,
      );
      for (const { page, failure } of failures) codes.set(page, warningCode(failure.type));
    } finally {
      await rm(file, { force: true });
    }
    return codes;
  }
}

function isStorageAway(error: unknown): boolean {
  return error instanceof DocketError && error.type === "StorageUnavailable";
}

function endOf(job: TextractJob, stored: readonly number[], codes: ReadonlyMap<number, string>): JobEnd {
  const finishedAt = Date.now();
  if (job.fault?.kind === "job-failed") {
    return { status: "FAILED", statusMessage: job.fault.statusMessage, warnings: [], finishedAt };
  }
  const read = new Set(stored);
  const pagesByCode = new Map<string, number[]>();
  for (let page = 1; page <= (job.pages ?? 0); page++) {
    if (read.has(page)) continue;
    // Reasons of pages that failed before a restart are not kept.
    const code = codes.get(page) ?? "INTERNAL_ERROR";
    pagesByCode.set(code, [...(pagesByCode.get(code) ?? []), page]);
  }
  const warnings: JobWarning[] = [...pagesByCode].map(([ErrorCode, Pages]) => ({ ErrorCode, Pages }));
  if (warnings.length === 0) return { status: "SUCCEEDED", warnings, finishedAt };
  if (read.size > 0) return { status: "PARTIAL_SUCCESS", warnings, finishedAt };
  return { status: "FAILED", statusMessage: `${warnings[0]?.ErrorCode}: no page could be read`, warnings, finishedAt };
}
