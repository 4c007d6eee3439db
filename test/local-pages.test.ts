import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCompleteDocument } from "#docket/activities/complete-document";
import { createCreateRecord } from "#docket/activities/create-record";
import { createFailDocument } from "#docket/activities/fail-document";
import { createRecognizeLocally, type RecognizeRequest } from "#docket/activities/recognize-locally";
import { createWriteMetadata } from "#docket/activities/write-metadata";
import { loadOcrSettings, type OcrLimits } from "#docket/config";
import { projectIdFromSlug } from "#docket/contract/document-id";
import type { DocketError } from "#docket/contract/failures";
import type { RecognizedPage } from "#docket/contract/page";
import { pageRow } from "#docket/contract/page-row";
import { validateInput } from "#docket/contract/valid-input";
import { storePages } from "#docket/database/store-pages";
import type { recognizeDocument } from "#docket/ocr/recognize-document";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack } from "./support/stack.ts";

// Which pages a run of the local engine reads, and how it ends where it could not read some. PostgreSQL and S3 are the real
// ones; the recogniser fails the pages that a test wants it to, and Temporal is not asked.

const project = `local-pages-${randomUUID().slice(0, 8)}`;
const pages = [1, 2, 3, 4];
let stack: Awaited<ReturnType<typeof connectStack>>;
beforeAll(async () => {
  stack = await connectStack();
  const id = projectIdFromSlug(project);
  await stack.database.project.create({ data: { id, slug: project } });
});
afterAll(() => stack.close());

const recognized = (number: number): RecognizedPage => ({
  ...{ number, text: `page ${number}`, confidence: 90, width: 595, height: 842, lines: [] },
  source: "recognition",
});

/** A run that reads the document `name`, which has four pages. */
async function newReader(name: string, more: { documentId?: string; engine?: string; force?: boolean } = {}) {
  const { database, storage } = stack;
  const run = newRun(`local-pages/${name}`);
  const document = { bucket: stack.bucket, key: `${project}/${name}.pdf` };
  await storage.put(document.bucket, document.key, await smallPdf(`${project} ${name}`), "application/pdf");
  const input = validateInput({ document, project, engine: "local", ...more });
  const documentId = await asRun(run, async () => {
    const record = await createCreateRecord(stack)(input);
    await createWriteMetadata(stack)({ ...record, input });
    await database.document.update({ where: { id: record.documentId }, data: { expectedPages: pages.length } });
    return record.documentId;
  });
  /** Pages that the recogniser was asked for, one list for each time. */
  const asked: (number[] | undefined)[] = [];
  return {
    run,
    documentId,
    asked,
    /** @returns the failure; null where every page is read */
    async read(
      fails: number[],
      settings: Partial<OcrLimits> = {},
      request: Partial<RecognizeRequest> = { onlyMissing: true },
      attempt = 1,
    ): Promise<DocketError | null> {
      const recognize: typeof recognizeDocument = async ({ pages: wanted, onPage }) => {
        asked.push(wanted);
        const failures = [];
        for (const page of wanted ?? pages) {
          const failure = { type: "Corrupt" as const, message: `page ${page} is damaged`, remedy: "" };
          if (fails.includes(page)) failures.push({ page, failure });
          else await onPage(recognized(page));
        }
        return { pages: pages.length, failures, peakResidentBytes: 0 };
      };
      const limits = { ...loadOcrSettings({}), ...settings };
      const recognizeLocally = createRecognizeLocally({ database, storage, limits, recognize });
      const whole = { documentId, document, expectedPages: pages.length, ...request };
      return asRun(run, () => recognizeLocally(whole), undefined, { attempt }).then(
        () => null,
        (error) => error,
      );
    },
    fail: (error: DocketError | null) =>
      asRun(run, () => createFailDocument(stack)({ documentId, failure: error?.toFailure() ?? expect.fail() })),
    complete: () => asRun(run, () => createCompleteDocument({ database })({ documentId, expectedPages: pages.length })),
    row: () => database.document.findUniqueOrThrow({ where: { id: documentId } }),
    /** The run that stored each page. */
    async writers(): Promise<Record<number, string>> {
      const rows = await database.page.findMany({ where: { documentId } });
      return Object.fromEntries(rows.map(({ number, writtenBy }) => [number, writtenBy]));
    },
  };
}

describe("a document of which some pages could not be read locally", () => {
  it("is incomplete, and the next run reads its missing pages only", async () => {
    const first = await newReader("cured");
    const failure = await first.read([2, 4]);
    const missingPages = [2, 4].map((page) => ({ page, warning: "Corrupt" }));
    expect(failure?.toFailure()).toMatchObject({
      type: "PagesFailed",
      message: expect.stringMatching(/pages 2, 4 of 4 could not be read \(page 2: Corrupt, page 2 is damaged;/),
      remedy: expect.stringMatching(/others are kept.*missing ones only.*nothing is paid/),
      missingPages,
    });
    await first.fail(failure);
    expect(await first.row()).toMatchObject({ status: "incomplete", storedPages: 2, missingPages });

    const second = await newReader("cured");
    expect(second.documentId).toBe(first.documentId);
    expect(await second.read([])).toBeNull();
    expect(second.asked).toEqual([[2, 4]]);
    expect(await second.complete()).toMatchObject({ status: "complete", engine: "local", storedPages: 4, costUsd: 0 });
    const [by, then] = [first.run.runId, second.run.runId];
    expect(await second.writers()).toEqual({ 1: by, 2: then, 3: by, 4: then });
    expect(await second.row()).toMatchObject({ missingPages: null, failureType: null });
  });

  it("lists what is missing of the whole document, also where earlier runs read the rest", async () => {
    const first = await newReader("fewer");
    await first.fail(await first.read([2, 3, 4]));
    const second = await newReader("fewer");
    await second.fail(await second.read([4]));
    const third = await newReader("fewer");
    const failure = await third.read([4]);
    expect([...second.asked, ...third.asked]).toEqual([[2, 3, 4], [4]]);
    expect(failure?.missingPages).toEqual([{ page: 4, warning: "Corrupt" }]);
    await third.fail(failure);
    expect(await third.row()).toMatchObject({ status: "incomplete", storedPages: 3 });
  });

  it.each<[string, Partial<OcrLimits>, Partial<RecognizeRequest>]>([
    ["in another language", { language: "eng+deu" }, { onlyMissing: true }],
    ["with other data", { trainedData: "/some/folder" }, { onlyMissing: true }],
    ["by a native program", { tesseract: "/usr/bin/tesseract" }, { onlyMissing: true }],
    ["anew, with force", {}, { onlyMissing: false }],
    ["for a workflow of an earlier release", {}, {}],
  ])("is read as a whole %s; what was read of the same content is not lost", async (name, settings, request) => {
    const first = await newReader(name);
    await first.fail(await first.read([2]));
    const second = await newReader(name);
    const failure = await second.read([3], settings, request);
    expect(second.asked).toEqual([pages]);
    expect(failure?.missingPages).toEqual([{ page: 3, warning: "Corrupt" }]);
    await second.fail(failure);
    expect(await second.row()).toMatchObject({ status: "incomplete", missingPages: [{ page: 3 }] });
    const [by, then] = [first.run.runId, second.run.runId];
    expect(await second.writers()).toEqual({ 1: then, 2: then, 3: by, 4: then });
  });

  it("is read as a whole where the trained data was replaced in place", async () => {
    const trainedData = await mkdtemp(join(tmpdir(), "docket-data-"));
    const data = join(trainedData, "eng.traineddata");
    await writeFile(data, "the former");
    const first = await newReader("in-place");
    await first.fail(await first.read([2, 3], { trainedData }));
    const second = await newReader("in-place");
    await second.fail(await second.read([2], { trainedData }));
    await writeFile(data, "the latter");
    const third = await newReader("in-place");
    expect(await third.read([], { trainedData })).toBeNull();
    expect([...second.asked, ...third.asked]).toEqual([[2, 3], pages]);
    await rm(trainedData, { recursive: true });
  });

  it("is read as a whole where its content is another; nothing of the former one is left", async () => {
    const documentId = randomUUID();
    const first = await newReader("former", { documentId });
    expect(await first.read([])).toBeNull();
    const surplus = { row: pageRow(recognized(7)), rawKey: null };
    const writer = { engine: "local" as const, writtenBy: "a release before", runId: first.run.runId };
    await storePages(stack.database, documentId, writer, [surplus]);
    const second = await newReader("latter", { documentId });
    await second.fail(await second.read([2]));
    expect(second.asked).toEqual([pages]);
    expect(Object.keys(await second.writers())).toEqual(["1", "3", "4"]);
    expect(await second.row()).toMatchObject({ status: "incomplete", storedPages: 3 });
  });

  it("is read as a whole where a release that did not say what it read has stored the others", async () => {
    const first = await newReader("former-release");
    const writer = { engine: "local" as const, writtenBy: first.run.runId, runId: first.run.runId };
    const row = pageRow(recognized(1));
    await storePages(stack.database, first.documentId, writer, [{ row, rawKey: null }]);
    const second = await newReader("former-release");
    expect(await second.read([])).toBeNull();
    expect(second.asked).toEqual([pages]);
  });

  it("is read as a whole where the attempts of the earlier run had different settings", async () => {
    const first = await newReader("mixed");
    await first.read([2, 3, 4]);
    await first.fail(await first.read([4], { language: "eng+deu" }));
    expect(first.asked).toEqual([pages, [2, 3, 4]]);
    const second = await newReader("mixed");
    expect(await second.read([])).toBeNull();
    expect(second.asked).toEqual([pages]);
  });
});

describe("pages that a job of Textract's has read of the same content", () => {
  /** Of which a job has stored pages 1 and 2. */
  async function ofTextract(name: string, job: object = {}) {
    const reader = await newReader(name, { engine: "textract-then-local" });
    const { documentId } = reader;
    const { sha256 } = await stack.database.documentMetadata.findUniqueOrThrow({ where: { documentId } });
    const jobId = randomUUID();
    await stack.database.textractJob.create({
      data: {
        ...{ id: randomUUID(), documentId, attempt: 1, features: [], token: jobId, region: "us-east-1", jobId },
        ...{ submittedAt: new Date(), finishedAt: new Date(), costUsd: 0 },
        ...{ content: sha256 ?? "", bucket: "x", key: "x", runId: "x", state: "succeeded", pages: 4, failedPages: [] },
        ...job,
      },
    });
    const rows = [1, 2].map((number) => ({ row: pageRow(recognized(number)), rawKey: null }));
    const writer = { engine: "textract" as const, writtenBy: jobId, runId: reader.run.runId };
    await storePages(stack.database, documentId, writer, rows);
    return reader;
  }

  it.each<[string, object]>([
    ["succeeded", {}],
    ["named its missing pages", { state: "partial_success", failedPages: [{ page: 3, code: "X" }], storedPages: 2 }],
    ["read some pages only", { pageNumbers: [1, 2], pages: 2, storedPages: 2 }],
  ])("are kept where the job %s", async (name, job) => {
    const reader = await ofTextract(name, job);
    expect(await reader.read([], {}, { onlyMissing: true, keepRead: true })).toBeNull();
    expect(reader.asked).toEqual([[3, 4]]);
  });

  it.each<[string, object, Partial<RecognizeRequest>?]>([
    ["the job named none of its missing pages", { state: "partial_success" }],
    ["the job reports more pages than there are", { pages: 5 }],
    ["the job reports fewer pages than it stored", { pages: 1, storedPages: 2 }],
    ["the job read other content", { content: "other" }],
    ["the job had other features", { features: ["TABLES"] }],
    ["nobody asks to keep them", {}, { onlyMissing: true }],
    ["all is read anew", {}, { onlyMissing: false, keepRead: true }],
  ])("are read again where %s", async (name, job, request = { onlyMissing: true, keepRead: true }) => {
    const reader = await ofTextract(name, job);
    expect(await reader.read([], {}, request)).toBeNull();
    expect(reader.asked).toEqual([pages]);
  });
});

it("a document of which no page could be read has failed, without a list", async () => {
  const reader = await newReader("none");
  const failure = await reader.read(pages);
  expect(failure?.toFailure()).not.toHaveProperty("missingPages");
  expect(failure?.remedy).toMatch(/reads all of it, and nothing is paid/);
  await reader.fail(failure);
  expect(await reader.row()).toMatchObject({ status: "failed", failureType: "PagesFailed", missingPages: null });
});

it("a retry reads the pages that the attempt before it did not store, and nothing where all are", async () => {
  const reader = await newReader("retried");
  await reader.read([3]);
  expect(await reader.read([], {}, {}, 2)).toBeNull();
  expect(await reader.read([], {}, {}, 3)).toBeNull();
  expect(reader.asked).toEqual([pages, [3]]);
});

it("where Textract is asked first, the remedy says so", async () => {
  const reader = await newReader("then-local", { engine: "textract-then-local" });
  const failure = await reader.read([1]);
  expect(failure?.remedy).toMatch(/asks Textract first .*is paid\); with the engine local nothing is paid/);
});
