import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectStack, docket, documentQueues, type Running, startWorker } from "./support/stack.ts";

const pagePrice = 0.0015;
let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
/** The text of each page as a calm run reads it. */
let calm: string[];

beforeAll(async () => {
  stack = await connectStack();
  worker = await startWorker();
  const { documentId } = await (await start("calm")).result();
  calm = await textsOf(documentId);
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
});
beforeEach(async () => {
  await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "DELETE" });
});

/** Hands in a document of four pages, in a project of its own. */
async function start(project: string, workflowId = `incomplete-${project}`) {
  const document = await stack.upload(`incomplete/${project}.pdf`, "samples/service-agreement.pdf");
  return stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId,
    args: [{ document, project }],
    workflowTaskTimeout: "5 seconds",
  });
}

async function faults(...list: object[]): Promise<void> {
  const address = `${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
  const answer = await fetch(address, { method: "POST", body: JSON.stringify(list) });
  expect(answer.ok).toBe(true);
}

async function textsOf(documentId: string): Promise<string[]> {
  const pages = await stack.database.page.findMany({ where: { documentId }, orderBy: { number: "asc" } });
  return pages.map(({ text }) => text);
}

const jobsOf = (documentId: string) =>
  stack.database.textractJob.findMany({ where: { documentId }, orderBy: { attempt: "asc" } });

async function failureOf(handle: Awaited<ReturnType<typeof start>>) {
  const error = await handle.result().then(
    () => expect.fail("the document completed"),
    (reason) => reason,
  );
  return { failure: error.cause, detail: error.cause.details[0] };
}

/** Pages that the endpoint itself billed for jobs. */
async function billedPages(jobIds: readonly (string | null)[]): Promise<number> {
  const lines = (await (await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/ledger`)).text()).split("\n");
  const entries = lines.filter(Boolean).map((line) => JSON.parse(line));
  return entries.filter(({ jobId }) => jobIds.includes(jobId)).reduce((sum, { billedPages }) => sum + billedPages, 0);
}

async function expectNoCopies(documentId: string): Promise<void> {
  const jobs = await jobsOf(documentId);
  const copies = jobs.filter(({ key }) => key.startsWith("copies/"));
  expect(copies.length).toBeGreaterThan(0);
  for (const { bucket, key } of copies) {
    await expect(stack.storage.head({ bucket, key })).rejects.toMatchObject({ type: "ObjectMissing" });
  }
}

describe("pages that Textract could not read", () => {
  it("are tried again on their own, once, and make the document complete; only they are paid again", async () => {
    await faults({ kind: "partial-success", pages: [2, 4] });
    const result = await (await start("cured")).result();
    expect(result).toMatchObject({ status: "complete", pages: 4, storedPages: 4, textractJobs: 2 });
    expect(result.costUsd).toBeCloseTo(4 * pagePrice, 6);
    expect(await textsOf(result.documentId)).toEqual(calm);
    const jobs = await jobsOf(result.documentId);
    expect(jobs).toMatchObject([
      { attempt: 1, state: "partial_success", pageNumbers: [], pages: 4, storedPages: 2 },
      { attempt: 2, state: "succeeded", pageNumbers: [2, 4], pages: 2, storedPages: 2 },
    ]);
    expect(await billedPages(jobs.map(({ jobId }) => jobId))).toBe(4);
    await expectNoCopies(result.documentId);
  });

  it("end the document as incomplete when they fail again; the others are kept, the list is everywhere", async () => {
    await faults({ kind: "partial-success", pages: [2, 4] }, { kind: "partial-success", pages: [1], errorCode: "BAD" });
    const handle = await start("twice");
    const { failure, detail } = await failureOf(handle);
    const missingPages = [{ page: 2, warning: "BAD" }];
    expect(failure).toMatchObject({ type: "PagesFailed", nonRetryable: true });
    expect(detail).toMatchObject({ type: "PagesFailed", missingPages });
    const { documentId } = detail;
    const row = await stack.database.document.findUniqueOrThrow({ where: { id: documentId } });
    expect(row).toMatchObject({ status: "incomplete", expectedPages: 4, storedPages: 3, missingPages });
    expect(Number(row.costUsd)).toBeCloseTo(3 * pagePrice, 6);
    expect(await textsOf(documentId)).toEqual(calm.filter((_, index) => index !== 1));
    await expectNoCopies(documentId);

    const text = await docket(["text", documentId]);
    expect(text.code).toBe(2);
    expect(text.stdout).toContain(calm[3]?.split("\n")[0]);
    expect(text.stderr).toMatch(/incomplete.*3 of 4 pages[\s\S]*Missing: page 2\./);
    const status = await docket(["status", documentId, "--json"]);
    expect(status.code).toBe(2);
    expect(JSON.parse(status.stdout)).toMatchObject({ status: "incomplete", failure: { missingPages } });
    expect((await docket(["status", documentId])).stdout).toMatch(/missing +page 2 \(BAD\)/);
    const exported = await docket(["export", documentId, "--format", "textract", "--any-status"]);
    expect(JSON.parse(exported.stdout)).toMatchObject({
      JobStatus: "PARTIAL_SUCCESS",
      DocumentMetadata: { Pages: 4 },
      Warnings: [{ ErrorCode: "BAD", Pages: [2] }],
    });
  });

  it("are all that a later hand-in reads and pays, even when Textract has forgotten the first job", async () => {
    await faults({ kind: "partial-success", pages: [2, 4] }, { kind: "job-failed", statusMessage: "no luck" });
    const { detail } = await failureOf(await start("later"));
    expect(detail.message).toContain("no luck");
    expect(detail.missingPages.map(({ page }: { page: number }) => page)).toEqual([2, 4]);

    await faults({ kind: "expired", operation: "GetDocumentTextDetection" });
    const result = await (await start("later", "incomplete-later-again")).result();
    expect(result).toMatchObject({ documentId: detail.documentId, status: "complete", storedPages: 4 });
    expect(result.costUsd).toBeCloseTo(4 * pagePrice, 6);
    expect(await textsOf(result.documentId)).toEqual(calm);
    const jobs = await jobsOf(result.documentId);
    expect(jobs.map(({ state, pageNumbers }) => [state, pageNumbers])).toEqual([
      ["partial_success", []],
      ["failed", [2, 4]],
      ["succeeded", [2, 4]],
    ]);
    expect(await billedPages(jobs.map(({ jobId }) => jobId))).toBe(4);
    const row = await stack.database.document.findUniqueOrThrow({ where: { id: result.documentId } });
    expect(row).toMatchObject({ status: "complete", missingPages: null, failureType: null });
  });
});

it("a worker killed with SIGKILL after the missing pages were taken out: they are paid once", async () => {
  await worker.stop();
  const marker = join(tmpdir(), `docket-incomplete-killed-${process.pid}`);
  await rm(marker, { force: true });
  await faults({ kind: "partial-success", pages: [3] });
  const kill = { KILL_STEP: "extractMissingPages", KILL_MOMENT: "after", KILL_MARKER: marker };
  const doomed = await startWorker(documentQueues, kill);
  const dead = new Promise((resolve) => doomed.child.once("exit", (_, signal) => resolve(signal)));
  const handle = await start("killed");
  expect(await dead).toBe("SIGKILL");
  expect(Number(await readFile(marker, "utf8"))).toBe(doomed.child.pid);
  await rm(marker, { force: true });

  worker = await startWorker();
  const result = await handle.result();
  expect(result).toMatchObject({ status: "complete", storedPages: 4, textractJobs: 2 });
  expect(await textsOf(result.documentId)).toEqual(calm);
  expect(await billedPages((await jobsOf(result.documentId)).map(({ jobId }) => jobId))).toBe(4);
  await expectNoCopies(result.documentId);
});
