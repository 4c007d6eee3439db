import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { pauseForRoom } from "#docket/local/textract/disk-room";
import { createJobRunner } from "#docket/local/textract/job-runner";
import { type JobStore, openJobStore } from "#docket/local/textract/job-store";
import { openLedger } from "#docket/local/textract/ledger";
import { openPageResults } from "#docket/local/textract/page-results";
import { createSourceObjects } from "#docket/local/textract/source-objects";
import { makeBucket, region, sharedS3, startEndpoint } from "./support/local-textract.ts";

const noRoom = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
const job = {
  ...{ jobId: "a".repeat(64), operation: "StartDocumentTextDetection" as const, features: [], parameters: "none" },
  token: "full-disk",
};

let folder: string;
let ledger: Awaited<ReturnType<typeof openLedger>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-local-textract-"));
  ledger = await openLedger(folder);
});
afterEach(async () => {
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

/** What all open files share, to let one of them find no room. */
async function fileMethods() {
  const handle = await open(join(folder, "ledger.jsonl"));
  await handle.close();
  return Object.getPrototypeOf(handle);
}
const billed = async () => (await text(ledger.read())).split("\n").filter(Boolean);

/** A runner of one job at a time, and a PDF of four pages for it. */
async function startRunner(wrapped: (store: JobStore) => Partial<JobStore> = () => ({})) {
  const { s3, bucket, put } = await makeBucket();
  await put("agreement.pdf", await readFile("samples/service-agreement.pdf"));
  const objects = createSourceObjects(region, sharedS3());
  const store = await openJobStore({ folder, retentionMilliseconds: 3_600_000 });
  const results = await openPageResults(folder, () => true);
  const onError = vi.fn();
  const ended: string[] = [];
  const runner = createJobRunner({
    ...{ jobs: { ...store, ...wrapped(store) }, ledger, objects, results, workFolder: join(folder, "work") },
    reading: { memoryBytes: 256 * 1024 * 1024, language: "eng", tesseract: undefined, trainedData: undefined },
    ...{ onEnded: async ({ jobId }) => void ended.push(jobId), onError, concurrency: 1 },
  });
  const { document } = await objects.inspect({ Bucket: bucket, Name: "agreement.pdf" });
  const stop = async () => {
    await runner.stop();
    expect(store.open()).toEqual([]);
    await store.close();
    objects.close();
    s3.destroy();
  };
  return { store, runner, results, objects, document, ended, errors: () => onError.mock.calls.flat(), stop };
}
const until = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 50 });

/** Runs a job to its end. */
async function runJob(wrapped?: (store: JobStore) => Partial<JobStore>) {
  const { store, runner, document, ended, errors, stop } = await startRunner(wrapped);
  runner.enqueue(await store.accept({ ...job, document, acceptedAt: Date.now() }));
  await until(() => expect(ended).toEqual([job.jobId]));
  const last = store.get(job.jobId);
  await stop();
  return { ended: last, errors: errors() };
}

it("a job whose end finds no room on the disk ends when there is room, and is billed once", async () => {
  const finish = vi.fn();
  const { ended, errors } = await runJob((store) => ({
    finish: finish.mockImplementation(store.finish).mockRejectedValueOnce(noRoom),
  }));
  expect(errors).toEqual([noRoom]);
  expect(finish).toHaveBeenCalledTimes(2);
  expect(ended).toMatchObject({ pages: 4, end: { status: "SUCCEEDED", warnings: [] } });
  expect((await billed()).map((line) => JSON.parse(line))).toMatchObject([{ jobId: job.jobId, billedPages: 4 }]);
});

it("a job of which a page finds no room goes on with that page when there is room, and is billed once", async () => {
  const files = await fileMethods();
  const { appendFile } = files;
  const pages: number[] = [];
  // As a disk that is full in the middle of the third page; job and ledger find room in the files that they have.
  const append = vi.spyOn(files, "appendFile").mockImplementation(async function (this: unknown, data) {
    const { number } = JSON.parse(String(data).split("\n")[0] ?? "");
    if (number === undefined) return appendFile.call(this, data);
    pages.push(number);
    if (number !== 3 || pages.length > 3) return appendFile.call(this, data);
    await appendFile.call(this, (data as Buffer).subarray(0, 100));
    throw noRoom;
  });
  const { ended, errors } = await runJob().finally(() => append.mockRestore());
  expect(errors).toEqual([noRoom]);
  expect(pages).toEqual([1, 2, 3, 3, 4]);
  expect(ended).toMatchObject({ pages: 4, end: { status: "SUCCEEDED", warnings: [] } });
  expect((await billed()).map((line) => JSON.parse(line))).toMatchObject([{ jobId: job.jobId, billedPages: 4 }]);
});

it("a document that is larger than the disk's room is not begun until there is room, told once, and holds up no other", async () => {
  const { store, runner, results, objects, document, ended, errors, stop } = await startRunner();
  const tries = vi.spyOn(results, "openWriter");
  const downloads = vi.spyOn(objects, "download");
  const large = await store.accept({ ...job, document: { ...document, size: 2 ** 60 }, acceptedAt: Date.now() });
  runner.enqueue(large);
  const small = { ...job, jobId: "c".repeat(64), token: "small", document, acceptedAt: Date.now() };
  runner.enqueue(await store.accept(small));
  await until(() => expect(ended).toEqual([small.jobId]));
  await until(() => expect(tries.mock.calls.filter(([{ jobId }]) => jobId === large.jobId)).toHaveLength(2));
  expect(downloads).toHaveBeenCalledTimes(1);
  // As if there were room now.
  large.document.size = document.size;
  await until(() => expect(ended).toEqual([small.jobId, large.jobId]));
  expect(errors()).toEqual([expect.objectContaining({ code: "ENOSPC" })]);
  expect(errors()[0].message).toContain(`s3://${document.bucket}/agreement.pdf: ${2 ** 60} bytes`);
  expect(store.get(large.jobId)).toMatchObject({ pages: 4, end: { status: "SUCCEEDED", warnings: [] } });
  await stop();
});

it("a job without room runs again after a second, and waits twice as long each time, up to four minutes", () => {
  const seconds = Array.from({ length: 10 }, (_, round) => pauseForRoom(round) / 1000);
  expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 240, 240]);
  expect(pauseForRoom(10_000)).toBe(240_000);
});

it("a line of the ledger that found no room is written the next time, and once", async () => {
  const line = {
    ...{ jobId: job.jobId, token: job.token, operation: job.operation, features: [], bucket: "b", key: "k" },
    ...{ status: "SUCCEEDED", pages: 1, billedPages: 1 },
  };
  const flush = vi.spyOn(await fileMethods(), "datasync").mockRejectedValueOnce(noRoom);
  await expect(ledger.record(line)).rejects.toBe(noRoom);
  expect(await billed()).toEqual([]);
  await ledger.record(line);
  await ledger.record(line);
  expect(await billed()).toHaveLength(1);
  flush.mockRestore();
});

it("an endpoint starts on a full disk, and does later what it had to write down", async () => {
  const store = await openJobStore({ folder, retentionMilliseconds: 3_600_000 });
  const document = { bucket: "b", key: "k", etag: "", size: 1 };
  await store.accept({ ...job, document, acceptedAt: 0 });
  const notificationChannel = { SNSTopicArn: `arn:aws:sns:${region}:1:topic`, RoleArn: "arn:aws:iam::1:role/r" };
  const ended = { ...job, jobId: "b".repeat(64), token: "ended", notificationChannel };
  const end = { status: "SUCCEEDED" as const, warnings: [], finishedAt: Date.now() };
  await store.finish(await store.accept({ ...ended, document, acceptedAt: Date.now() }), end);
  await store.close();

  const append = vi.spyOn(await fileMethods(), "appendFile").mockRejectedValue(noRoom);
  const full = await startEndpoint({ dataFolder: folder }).finally(() => append.mockRestore());
  await full.stop();
  full.client.destroy();
  expect(full.errors).toEqual([noRoom, noRoom]);

  const roomy = await startEndpoint({ dataFolder: folder });
  await roomy.stop();
  roomy.client.destroy();
  expect(roomy.errors).toEqual([]);
  const events = (await readFile(join(folder, "jobs.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.slice(-2)).toMatchObject([{ event: "expired" }, { event: "notified" }]);
});
