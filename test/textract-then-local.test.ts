import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { damagedPdf } from "./support/damaged-pdf.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { docket, type Running, startWorker, useStack } from "./support/stack.ts";

const stack = useStack();
const run = randomUUID().slice(0, 8);
let ocr: Running;
beforeAll(async () => {
  ocr = await startWorker("ocr", { DOCKET_OCR_MAX_PAGES: "2" });
});
afterAll(() => ocr.stop());

/** Runs a document that may be read locally where Textract fails, as it does with the given faults. */
const process = (name: string, content: Uint8Array, ...faults: object[]) =>
  processBy("textract-then-local", name, content, ...faults);

async function processBy(engine: string, name: string, content: Uint8Array, ...faults: object[]) {
  const document = { bucket: stack.bucket, key: `then-local/${run}/${name}.pdf` };
  await stack.storage.put(document.bucket, document.key, content, "application/pdf");
  if (faults.length > 0) {
    const address = `${inject("environment")["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
    expect((await fetch(address, { method: "POST", body: JSON.stringify(faults) })).status).toBe(200);
  }
  const args = [{ document, project: `then-local-${run}`, engine }];
  const workflowId = `${document.key}/${randomUUID()}`;
  return stack.client.workflow.execute("processDocument", { taskQueue: "documents", workflowId, args });
}

const failed = (name: string) => ({ kind: "job-failed", key: `then-local/${run}/${name}.pdf` });
const refused = (name: string) => ({
  ...{ kind: "error", name: "AccessDeniedException", operation: "GetDocumentTextDetection" },
  key: `then-local/${run}/${name}.pdf`,
});

/** Which engine read each page. */
async function enginesOf(documentId: string) {
  const pages = await stack.database.page.findMany({ where: { documentId }, orderBy: { number: "asc" } });
  return pages.map(({ number, engine }) => [number, engine]);
}

describe("with the engine textract-then-local, which has to be asked for by name", () => {
  it("a document that Textract reads is read by Textract", async () => {
    const result = await process("read", await smallPdf(`read ${run}`, 2));
    expect(result).toMatchObject({ status: "complete", engine: "textract", textractJobs: 1 });
  });

  it("one that Textract fails is read locally", async () => {
    const result = await process("failed", await smallPdf(`failed ${run}`, 2), failed("failed"));
    expect(result).toMatchObject({ status: "complete", engine: "local", pages: 2, storedPages: 2, textractJobs: 1 });
    const page = await stack.database.page.findFirstOrThrow({ where: { documentId: result.documentId, number: 2 } });
    expect(page).toMatchObject({
      engine: "local",
      text: `This is page 2 of the document that is called failed ${run}.`,
    });
  });

  it("one above the local limits keeps the failure that Textract gave it", async () => {
    const large = process("large", await smallPdf(`large ${run}`, 3), failed("large"));
    await expect(large).rejects.toMatchObject({ cause: { type: "TextractJobFailed" } });
  });

  it("what Textract has read stays, and only the pages that it could not read are read locally", async () => {
    const faults = [2, 1].map((page) => ({ kind: "partial-success", pages: [page] }));
    const result = await process("some", await smallPdf(`some ${run}`, 2), ...faults);
    expect(result).toMatchObject({ status: "complete", engine: "textract", storedPages: 2, textractJobs: 2 });
    expect(await enginesOf(result.documentId)).toEqual([
      [1, "textract"],
      [2, "local"],
    ]);
  });

  it("pages that neither reads are missing; again Textract comes first, and is paid for these alone", async () => {
    const content = await damagedPdf(`neither ${run}`, 2, [2]);
    const failure = await process("neither", content).catch((error) => error.cause);
    const [{ documentId, ...detail }] = failure.details;
    expect(detail).toMatchObject({ type: "PagesFailed", missingPages: [{ page: 2, warning: "Corrupt" }] });
    expect(detail.remedy).toContain("asks Textract first");
    expect(await enginesOf(documentId)).toEqual([[1, "textract"]]);
    const dry = await docket(["redrive", documentId, "--dry-run", "--json"]);
    expect(JSON.parse(dry.stdout.split("\n")[0] ?? "")).toMatchObject({ documentId, billedPages: 1 });
    const again = await process("neither", content).catch((error) => error.cause);
    expect(again.details[0]).toMatchObject({ documentId, missingPages: [{ page: 2, warning: "Corrupt" }] });
    const jobs = await stack.database.textractJob.findMany({ where: { documentId }, orderBy: { attempt: "asc" } });
    expect(jobs.map(({ pageNumbers }) => pageNumbers)).toEqual([[], [2], [2]]);
    expect(await enginesOf(documentId)).toEqual([[1, "textract"]]);
  });

  it("where a later run may not ask Textract, what it has read stays, and is not paid again", async () => {
    const content = await damagedPdf(`refused ${run}`, 2, [2]);
    const first = await process("refused", content).catch((error) => error.cause);
    const [{ documentId }] = first.details;
    const pageOf = () => stack.database.page.findMany({ where: { documentId } });
    const before = await pageOf();
    expect(before).toMatchObject([{ number: 1, engine: "textract" }]);
    const again = await process("refused", content, refused("refused")).catch((error) => error.cause);
    expect(again.details[0]).toMatchObject({ documentId, missingPages: [{ page: 2, warning: "Corrupt" }] });
    expect(await pageOf()).toEqual(before);
    const dry = await docket(["redrive", documentId, "--dry-run", "--json"]);
    expect(JSON.parse(dry.stdout.split("\n")[0] ?? "")).toMatchObject({ documentId, billedPages: 1 });
  });

  it("a document that Textract has read as a whole keeps its text where Textract may not be asked again", async () => {
    const content = await smallPdf(`whole ${run}`, 2);
    const { documentId } = await processBy("textract", "whole", content);
    const result = await process("whole", content, refused("whole"));
    expect(result).toMatchObject({
      documentId,
      status: "complete",
      engine: "textract",
      storedPages: 2,
      textractJobs: 1,
    });
    expect(await enginesOf(documentId)).toEqual([
      [1, "textract"],
      [2, "textract"],
    ]);
  });

  it("where nobody can begin to read its missing pages locally, a document keeps Textract's list", async () => {
    const faults = [3, 1].map((page) => ({ kind: "partial-success", pages: [page] }));
    const failure = await process("limit", await smallPdf(`limit ${run}`, 3), ...faults).catch((error) => error.cause);
    expect(failure.details[0]).toMatchObject({ type: "PagesFailed", missingPages: [{ page: 3 }] });

    await ocr.stop();
    ocr = await startWorker("ocr", { DOCKET_OCR_TESSERACT: "/no/such/program" });
    const again = [2, 1].map((page) => ({ kind: "partial-success", pages: [page] }));
    const other = await process("no-program", await smallPdf(`no-program ${run}`, 2), ...again).catch(
      (error) => error.cause,
    );
    expect(other.details[0]).toMatchObject({
      ...{ type: "PagesFailed", missingPages: [{ page: 2 }] },
      message: expect.stringMatching(/1 of 2 pages .*Read locally: \/no\/such\/program/),
    });
    expect(await enginesOf(other.details[0].documentId)).toEqual([[1, "textract"]]);
  });
});
