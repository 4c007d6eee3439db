import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { smallPdf } from "./support/small-pdf.ts";
import { type Running, startWorker, useStack } from "./support/stack.ts";

const stack = useStack();
const run = randomUUID().slice(0, 8);
let ocr: Running;
beforeAll(async () => {
  ocr = await startWorker("ocr", { DOCKET_OCR_MAX_PAGES: "2" });
});
afterAll(() => ocr.stop());

/** Runs a document that may be read locally where Textract fails, as it does for those that are to fail. */
async function process(name: string, pages: number, fails: boolean) {
  const document = { bucket: stack.bucket, key: `then-local/${run}/${name}.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(`${name} ${run}`, pages), "application/pdf");
  if (fails) {
    const body = JSON.stringify([{ kind: "job-failed", key: document.key }]);
    const faults = `${inject("environment")["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
    expect((await fetch(faults, { method: "POST", body })).status).toBe(200);
  }
  const args = [{ document, project: `then-local-${run}`, engine: "textract-then-local" }];
  return stack.client.workflow.execute("processDocument", { taskQueue: "documents", workflowId: document.key, args });
}

describe("with the engine textract-then-local, which has to be asked for by name", () => {
  it("a document that Textract reads is read by Textract", async () => {
    expect(await process("read", 2, false)).toMatchObject({ status: "complete", engine: "textract", textractJobs: 1 });
  });

  it("one that Textract fails is read locally", async () => {
    const result = await process("failed", 2, true);
    expect(result).toMatchObject({ status: "complete", engine: "local", pages: 2, storedPages: 2, textractJobs: 1 });
    const page = await stack.database.page.findFirstOrThrow({ where: { documentId: result.documentId, number: 2 } });
    expect(page).toMatchObject({
      engine: "local",
      text: `This is page 2 of the document that is called failed ${run}.`,
    });
  });

  it("one above the local limits keeps the failure that Textract gave it", async () => {
    await expect(process("large", 3, true)).rejects.toMatchObject({ cause: { type: "TextractJobFailed" } });
  });
});
