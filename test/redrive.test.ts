import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { planRedrive, type RedriveFacts } from "#docket/client/redrive-plan";
import { docket, useStack } from "./support/stack.ts";

const pagePrice = 0.0015;
const stack = useStack();

beforeEach(async () => {
  await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "DELETE" });
});

async function faults(...list: object[]): Promise<void> {
  const address = `${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
  expect((await fetch(address, { method: "POST", body: JSON.stringify(list) })).ok).toBe(true);
}

/** Hands in a document of four pages and waits for its end, whatever it is. */
async function handIn(project: string): Promise<string> {
  const document = await stack.upload(`redrive/${project}.pdf`, "samples/service-agreement.pdf");
  const args = [{ document, project }];
  const options = { taskQueue: "documents", workflowId: `redrive-${project}`, args };
  const handle = await stack.client.workflow.start("processDocument", options);
  await handle.result().catch(() => undefined);
  const row = await stack.database.document.findFirstOrThrow({ where: { project: { slug: project } } });
  return row.id;
}

/** A batch with one document; its id. */
async function batchOf(documentId: string): Promise<string> {
  const id = randomUUID();
  const item = { id: randomUUID(), bucket: "bucket", key: documentId, documentId, state: "failed" as const };
  const settings = { project: "redrive-failed", engine: "textract" as const, features: [], priority: 3, window: 1 };
  const now = new Date();
  await stack.database.batch.create({
    data: {
      id,
      source: "redrive test",
      state: "finished",
      closedAt: now,
      finishedAt: now,
      ...settings,
      items: { create: item },
    },
  });
  return id;
}

const lines = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

async function untilSettled(documentId: string) {
  await stack.client.workflow.getHandle(`document/${documentId}`).result();
  return stack.database.document.findUniqueOrThrow({ where: { id: documentId }, include: { textractJobs: true } });
}

describe("docket failures and redrive", () => {
  it("group what failed with its remedy, tell what is billed again, and start it", async () => {
    await faults({ kind: "job-failed", statusMessage: "no luck" });
    const documentId = await handIn("redrive-failed");
    const shown = await docket(["failures", "--project", "redrive-failed", "--json"]);
    expect(shown.code).toBe(2);
    expect(lines(shown.stdout)).toMatchObject([
      {
        type: "TextractJobFailed",
        documents: 1,
        incomplete: 0,
        projects: ["redrive-failed"],
        remedy: expect.stringContaining("billed again"),
        newest: { documentId, message: expect.stringContaining("no luck") },
      },
    ]);

    const dry = await docket(["redrive", "--project", "redrive-failed", "--dry-run", "--json"]);
    expect(lines(dry.stdout)).toMatchObject([
      { documentId, free: null, billedPages: 4, billedUsd: 4 * pagePrice, started: false, urgent: false },
    ]);
    const row = await stack.database.document.findUniqueOrThrow({ where: { id: documentId } });
    expect(row.status).toBe("failed");

    const [own, other] = await Promise.all([batchOf(documentId), batchOf(randomUUID())]);
    expect(lines((await docket(["failures", "--batch", own.slice(0, 13), "--json"])).stdout)).toMatchObject([
      { type: "TextractJobFailed", documents: 1, newest: { documentId } },
    ]);
    expect((await docket(["failures", "--batch", other])).code).toBe(0);
    const ofBatch = await docket(["redrive", "--batch", own, "--dry-run", "--json"]);
    expect(lines(ofBatch.stdout)).toMatchObject([{ documentId, billedPages: 4 }]);
    expect((await docket(["redrive", "--batch", other])).stderr).toContain("Nothing is to be started again");
    await stack.database.batch.deleteMany({ where: { id: { in: [own, other] } } });

    const started = await docket(["redrive", "--type", "textractjobfailed", "--project", "redrive-failed"]);
    expect(started).toMatchObject({ code: 0, stderr: expect.stringContaining("1 document started") });
    const settled = await untilSettled(documentId);
    expect(settled).toMatchObject({ status: "complete", storedPages: 4 });
    expect(settled.textractJobs).toHaveLength(2);
    expect((await docket(["failures", "--project", "redrive-failed"])).code).toBe(0);
  });

  it("an incomplete document pays its missing pages only, as the dry run said", async () => {
    await faults({ kind: "partial-success", pages: [2, 4] }, { kind: "partial-success", pages: [1] });
    const documentId = await handIn("redrive-incomplete");
    const dry = await docket(["redrive", documentId, "--dry-run"]);
    expect(dry.stdout).toContain("free: 3 pages stored; billed: 1 page, $0.0015");
    expect((await docket(["redrive", documentId])).code).toBe(0);
    const settled = await untilSettled(documentId);
    expect(settled.status).toBe("complete");
    expect(Number(settled.costUsd)).toBeCloseTo(4 * pagePrice, 6);
  });

  it("a paid result that was never fetched is free, and first when it expires within a day", async () => {
    const documentId = await handIn("redrive-result");
    const halfADayLeft = new Date(Date.now() - 6.5 * 86_400_000);
    await stack.database.$transaction([
      stack.database.page.deleteMany({ where: { documentId } }),
      stack.database.textractJob.updateMany({
        where: { documentId },
        data: { storedPages: null, submittedAt: halfADayLeft },
      }),
      stack.database.document.update({
        where: { id: documentId },
        data: { status: "failed", failureType: "ResultsNotWritable", failureMessage: "x", failureRemedy: "y" },
      }),
    ]);
    const dry = await docket(["redrive", "--project", "redrive-result", "--dry-run"]);
    expect(dry.stdout).toContain("free: result of 4 pages at Textract; billed: nothing");
    expect(dry.stderr).toMatch(/expires at .* it is fetched first/);
    expect(dry.stderr).toContain("1 paid result of these expire");
    expect((await docket(["redrive", "--project", "redrive-result"])).code).toBe(0);
    const settled = await untilSettled(documentId);
    expect(settled).toMatchObject({ status: "complete", storedPages: 4 });
    expect(settled.textractJobs).toHaveLength(1);
  });

  it("nothing is started without a word on what", async () => {
    const answer = await docket(["redrive"]);
    expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining("--all") });
    expect((await docket(["redrive", "--type", "Nonsense"])).code).toBe(1);
  });
});

describe("what a redrive would cost", () => {
  const now = new Date("2026-11-25T12:00:00Z");
  const job = {
    attempt: 1,
    state: "succeeded" as const,
    content: "abc",
    runId: "r1",
    pageNumbers: [],
    statusMessage: null,
    storedPages: null,
    jobId: "j1",
    pages: 10,
    failedPages: null,
    submittedAt: new Date("2026-11-24T12:00:00Z"),
  };
  const facts: RedriveFacts = {
    engine: "textract",
    features: [],
    expectedPages: 10,
    storedPages: 0,
    missingPages: [],
    content: "abc",
    jobs: [job],
  };
  const eightDaysAgo = new Date("2026-11-17T12:00:00Z");

  it.each<[string, Partial<RedriveFacts>, object]>([
    ["nothing was paid", { jobs: [] }, { billedPages: 10, billedUsd: 0.015, free: null }],
    ["pages were never counted", { jobs: [], expectedPages: null }, { billedPages: null, billedUsd: null }],
    ["a result is there", {}, { billedPages: 0, resultExpiresAt: new Date("2026-12-01T12:00:00Z") }],
    ["a result has expired", { jobs: [{ ...job, submittedAt: eightDaysAgo }] }, { billedPages: 10, free: null }],
    ["other content was paid", { content: "def" }, { billedPages: 10, resultExpiresAt: null }],
    ["the start was never answered", { jobs: [{ ...job, state: "intended", jobId: null }] }, { billedPages: 10 }],
    ["pages failed at Textract", { jobs: [{ ...job, failedPages: [{ page: 1 }] }] }, { billedPages: 1 }],
    ["the local engine reads", { engine: "local" }, { billedPages: 0, billedUsd: 0 }],
    [
      "all is stored, also long after",
      { storedPages: 10, jobs: [{ ...job, storedPages: 10, submittedAt: eightDaysAgo }] },
      { billedPages: 0, free: "10 pages stored", resultExpiresAt: null },
    ],
    [
      "no run told which pages are missing: those that Textract could not read",
      { missingPages: null, jobs: [{ ...job, storedPages: 9, failedPages: [{ page: 3, code: "X" }] }] },
      { billedPages: 1, free: "9 pages stored" },
    ],
    [
      "no run told which pages are missing: those that Textract did not report",
      { missingPages: null, jobs: [{ ...job, storedPages: 8, pages: 8 }] },
      { billedPages: 2, free: "8 pages stored" },
    ],
    [
      "a later job has read one of two missing pages",
      {
        missingPages: null,
        jobs: [
          { ...job, storedPages: 8, failedPages: [{ page: 3 }, { page: 7 }] },
          { ...job, attempt: 2, pageNumbers: [3, 7], pages: 2, storedPages: 1, failedPages: [{ page: 1 }] },
        ],
      },
      { billedPages: 1, free: "9 pages stored" },
    ],
    [
      "Textract comes first, and the local engine read one of two pages that it could not",
      {
        engine: "textract-then-local",
        storedPages: 9,
        missingPages: [{ page: 3, warning: "Corrupt" }],
        jobs: [
          { ...job, storedPages: 8, failedPages: [{ page: 2 }, { page: 3 }], submittedAt: eightDaysAgo },
          { ...job, attempt: 2, jobId: "j2", state: "failed", pageNumbers: [2, 3] },
        ],
      },
      { billedPages: 2, free: "8 pages stored" },
    ],
    [
      "features have prices of their own",
      { features: ["TABLES"], jobs: [] },
      { billedPages: 10, billedUsd: expect.closeTo(0.15) },
    ],
  ])("%s", (_, changed, expected) => {
    expect(planRedrive({ ...facts, ...changed }, now)).toMatchObject(expected);
  });
});
