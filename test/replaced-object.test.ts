import { createHash, randomUUID } from "node:crypto";
import { Client, type WorkflowClientInterceptor } from "@temporalio/client";
import { expect, it } from "vitest";
import { createAwaitTextract } from "#docket/activities/await-textract";
import { createRecognizeLocally } from "#docket/activities/recognize-locally";
import { connectServices } from "#docket/client/connect";
import { createObjectHandIn } from "#docket/client/hand-in-document";
import { loadOcrSettings } from "#docket/config";
import { documentIdFromContent } from "#docket/contract/document-id";
import { identifyItem } from "#docket/database/batch-item-turns";
import { addItems } from "#docket/database/batch-items";
import { closeBatch, createBatch } from "#docket/database/batches";
import { recognizeDocument } from "#docket/ocr/recognize-document";
import { readingSteps } from "./support/reading-steps.ts";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { useStack } from "./support/stack.ts";

const stack = useStack();

it("another content under the same key and id is read and paid anew, never answered with the old text", async () => {
  const documentId = randomUUID();
  const process = async (workflowId: string) =>
    stack.client.workflow.execute("processDocument", {
      taskQueue: "documents",
      workflowId,
      args: [{ document: { bucket: stack.bucket, key: "replaced/current.pdf" }, project: "replaced", documentId }],
    });
  const textOf = async () => {
    const pages = await stack.database.page.findMany({ where: { documentId }, orderBy: { number: "asc" } });
    return pages.map((page) => page.text).join("\n");
  };

  await stack.upload("replaced/current.pdf", "samples/service-agreement.pdf");
  expect(await process("replaced-1")).toMatchObject({ pages: 4, textractJobs: 1, reused: false });
  const before = await textOf();

  await stack.upload("replaced/current.pdf", "samples/court-order.png");
  expect(await process("replaced-2")).toMatchObject({ documentId, pages: 1, storedPages: 1, textractJobs: 2 });
  expect(await textOf()).not.toContain(before.slice(0, 40));

  expect(await process("replaced-3")).toMatchObject({ pages: 1, textractJobs: 2, reused: true });
});

it("a document whose object is missing by now is not answered with the text that it had", async () => {
  const documentId = randomUUID();
  const document = { bucket: stack.bucket, key: `replaced/${documentId}.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(documentId), "application/pdf");
  const process = (workflowId: string) =>
    stack.client.workflow.execute("processDocument", {
      taskQueue: "documents",
      workflowId: `${workflowId}-${documentId}`,
      args: [{ document, project: "replaced", documentId }],
    });
  expect(await process("there")).toMatchObject({ documentId, reused: false });
  await stack.storage.remove(document);
  await expect(process("missing")).rejects.toMatchObject({ cause: { type: "ObjectMissing" } });
});

it("an object that is replaced while Textract is at work: the text is not kept, and not taken for a later reading", async () => {
  const { storage } = stack;
  const project = `replaced-${randomUUID().slice(0, 8)}`;
  const document = { bucket: stack.bucket, key: `${project}/one.pdf` };
  const [first, second] = [await smallPdf("first"), await smallPdf("second")];
  const put = (content: Uint8Array) => storage.put(document.bucket, document.key, content, "application/pdf");
  const steps = readingSteps(stack, project);
  const poll = {
    pollMinMilliseconds: 1,
    pollMaxMilliseconds: 1,
    notifiedPollMilliseconds: 1,
    notifiedPollMaxMilliseconds: 1,
  };
  const look = createAwaitTextract({ ...stack, textract: { inRegion: () => steps.api }, poll });

  await put(first);
  const run = newRun("replaced");
  const documentId = await steps.own(run, document);
  const job = await steps.read(run, documentId, document);
  await put(second);
  const changed = { type: "ObjectChanged", message: expect.stringContaining(document.key) };
  await expect(asRun(run, () => look({ documentId, features: [], job }))).rejects.toMatchObject(changed);
  // A worker that is killed here is followed by one that asks again.
  await expect(asRun(run, () => look({ documentId, features: [], job }))).rejects.toMatchObject(changed);

  // The first content comes back: nobody knows which of the two was paid for.
  await put(first);
  const again = newRun("again");
  expect(await steps.own(again, document)).toBe(documentId);
  const next = await steps.read(again, documentId, document);
  expect(next).toMatchObject({ attempt: 2 });

  // What becomes of an object that was read is no replacement of it.
  const lookAgain = () => asRun(again, () => look({ documentId, features: [], job: next }));
  await storage.remove(document);
  await expect(lookAgain()).resolves.toMatchObject({ pages: 1 });
  await put(second);
  await expect(lookAgain()).resolves.toMatchObject({ pages: 1 });
  steps.close();
});

it("local recognition reads the object that was checked, and no other that has taken its place", async () => {
  const { database, storage } = stack;
  const project = `replaced-${randomUUID().slice(0, 8)}`;
  const document = { bucket: stack.bucket, key: `${project}/local.pdf` };
  const steps = readingSteps(stack, project);
  const run = newRun("replaced");
  await storage.put(document.bucket, document.key, await smallPdf("first"), "application/pdf");
  const documentId = await steps.own(run, document);
  await storage.put(document.bucket, document.key, await smallPdf("second"), "application/pdf");
  const limits = loadOcrSettings();
  const recognizeLocally = createRecognizeLocally({ database, storage, limits, recognize: recognizeDocument });
  await expect(asRun(run, () => recognizeLocally({ documentId, document, expectedPages: 1 }))).rejects.toMatchObject({
    type: "ObjectChanged",
  });
  expect(await database.page.count({ where: { documentId } })).toBe(0);
  steps.close();
});

it("an object that is replaced after it was hashed at hand-in: its text is not stored under that hash", async () => {
  const { database, storage } = stack;
  const project = `replaced-${randomUUID().slice(0, 8)}`;
  const document = { bucket: stack.bucket, key: `${project}/handed-in.pdf` };
  const [first, second] = [await smallPdf(`first ${project}`), await smallPdf(`second ${project}`)];
  const put = (content: Uint8Array) => storage.put(document.bucket, document.key, content, "application/pdf");
  const services = await connectServices(process.env);
  const options = { project, engine: "textract" as const, features: [] };
  const replacing: WorkflowClientInterceptor = {
    startWithDetails: async (input, next) => {
      await put(second);
      return next(input);
    },
  };
  const { connection, options: known } = services.temporal;
  const temporal = new Client({ connection, namespace: known.namespace, interceptors: { workflow: [replacing] } });
  const resultOf = (documentId: string) => stack.client.workflow.getHandle(`document/${documentId}`).result();

  await put(first);
  const handedIn = await createObjectHandIn({ ...services, temporal }, options)(document);
  const sha256 = createHash("sha256").update(first).digest("hex");
  expect(handedIn.documentId).toBe(documentIdFromContent(project, sha256));
  await expect(resultOf(handedIn.documentId)).rejects.toMatchObject({ cause: { type: "ObjectChanged" } });
  expect(await database.page.count({ where: { documentId: handedIn.documentId } })).toBe(0);

  // So it is where the item of a batch was hashed before its turn came.
  const batchId = randomUUID();
  const settings = { ...options, force: false, priority: 3, window: 10, prefix: null, onlyNew: false };
  await createBatch(database, { id: batchId, source: `made of rows ${batchId}`, ...settings });
  await put(first);
  const { etag } = await storage.head(document);
  await addItems(database, batchId, [document]);
  await closeBatch(database, batchId);
  const [item] = await database.batchItem.findMany({ where: { batchId } });
  await identifyItem(database, item?.id ?? "", { ...handedIn, sha256, etag, version: null });
  await put(second);
  const batch = await stack.client.workflow.execute("processBatch", {
    taskQueue: "documents",
    workflowId: `batch/${batchId}`,
    args: [{ batchId, project }],
  });
  expect(batch).toMatchObject({ counts: { total: 1, failed: 1 } });
  expect(await database.batchItem.findMany({ where: { batchId } })).toMatchObject([{ failureType: "ObjectChanged" }]);

  // A run without the hash, as redrive starts it, reads what stands there now; the first content is not answered with it.
  const { documentId } = handedIn;
  const again = stack.client.workflow.execute("processDocument", {
    taskQueue: "documents",
    workflowId: `document/${documentId}`,
    args: [{ document, documentId, project }],
  });
  expect(await again).toMatchObject({ documentId, reused: false });
  await put(first);
  expect(await createObjectHandIn(services, options)(document)).toMatchObject({
    documentId,
    runId: expect.any(String),
  });
  expect(await resultOf(documentId)).toMatchObject({ reused: false });
  const [page] = await database.page.findMany({ where: { documentId } });
  expect(page?.text).toContain("first");
  await services.close();
});
