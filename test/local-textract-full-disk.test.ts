import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createJobRunner } from "#docket/local/textract/job-runner";
import { openJobStore } from "#docket/local/textract/job-store";
import { openLedger } from "#docket/local/textract/ledger";
import { openPageResults } from "#docket/local/textract/page-results";
import { createSourceObjects } from "#docket/local/textract/source-objects";
import { makeBucket, region, sharedS3 } from "./support/local-textract.ts";

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
const billed = async () => (await text(ledger.read())).split("\n").filter(Boolean);

it("a job whose end finds no room on the disk ends when there is room, and is billed once", async () => {
  const { s3, bucket, put } = await makeBucket();
  await put("agreement.pdf", await readFile("samples/service-agreement.pdf"));
  const objects = createSourceObjects(region, sharedS3());
  const store = await openJobStore({ folder, retentionMilliseconds: 3_600_000 });
  const finish = vi.fn(store.finish).mockRejectedValueOnce(noRoom);
  const onError = vi.fn();
  const onEnded = vi.fn(async () => {});
  const runner = createJobRunner({
    ...{ jobs: { ...store, finish }, ledger, objects, concurrency: 1, workFolder: join(folder, "work") },
    results: await openPageResults(folder, () => true),
    reading: { memoryBytes: 256 * 1024 * 1024, language: "eng", tesseract: undefined, trainedData: undefined },
    ...{ onEnded, onError },
  });
  const { document } = await objects.inspect({ Bucket: bucket, Name: "agreement.pdf" });
  runner.enqueue(await store.accept({ ...job, document, acceptedAt: Date.now() }));
  await vi.waitFor(() => expect(onEnded).toHaveBeenCalled(), { timeout: 60_000, interval: 50 });
  await runner.stop();
  expect(onError.mock.calls).toEqual([[noRoom]]);
  expect(finish).toHaveBeenCalledTimes(2);
  expect(store.open()).toEqual([]);
  expect(store.get(job.jobId)).toMatchObject({ pages: 4, end: { status: "SUCCEEDED", warnings: [] } });
  expect((await billed()).map((line) => JSON.parse(line))).toMatchObject([{ jobId: job.jobId, billedPages: 4 }]);
  await store.close();
  objects.close();
  s3.destroy();
});

it("a line of the ledger that found no room is written the next time, and once", async () => {
  const line = {
    ...{ jobId: job.jobId, token: job.token, operation: job.operation, features: [], bucket: "b", key: "k" },
    ...{ status: "SUCCEEDED", pages: 1, billedPages: 1 },
  };
  const handle = await open(join(folder, "ledger.jsonl"));
  const flush = vi.spyOn(Object.getPrototypeOf(handle), "datasync").mockRejectedValueOnce(noRoom);
  await handle.close();
  await expect(ledger.record(line)).rejects.toBe(noRoom);
  expect(await billed()).toEqual([]);
  await ledger.record(line);
  await ledger.record(line);
  expect(await billed()).toHaveLength(1);
  flush.mockRestore();
});
