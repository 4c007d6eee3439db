import { randomUUID } from "node:crypto";
import type { WorkflowFailedError } from "@temporalio/client";
import { expect, it } from "vitest";
import { createBatch } from "#docket/database/batches";
import { smallPdf } from "./support/small-pdf.ts";
import { useStack } from "./support/stack.ts";

const stack = useStack();
const id = randomUUID();

// Any program may start a workflow with anything. An exception in workflow code is no end: the server has the task run
// again for ever, so that each of these would hang.
it.each<[string, unknown[], string]>([
  ["processDocument", [], "the input is missing"],
  ["processDocument", [null], "the input must be an object"],
  ["processDocument", ["a.pdf"], "the input must be an object"],
  ["processDocument", [{ document: null, fileName: 7, project: [], priority: {} }], "document must be an object"],
  ["processBatch", [], "the input is missing"],
  ["processBatch", [{ source: null }], "source must be an object"],
  ["processBatch", [{ resumed: {} }], 'the input has no field "resumed"'],
  ["processBatch", [{ resumed: { settings: 7, counts: null, batchId: id } }], 'the input has no field "resumed"'],
  ["deleteDocuments", [], "the input is missing"],
  ["deleteDocuments", [null], "the input is missing"],
  ["deleteDocuments", [[id]], "the input must be an object"],
  ["deleteDocuments", [{ documentIds: id, requestedBy: "Ann" }], "documentIds must be a list of at most 1000 UUIDs"],
  ["deleteDocuments", [{ documentIds: [7], requestedBy: "Ann" }], "documentIds must be a list of at most 1000 UUIDs"],
  ["deleteDocuments", [{ project: "p", olderThanDay: 30, requestedBy: "A" }], 'the input has no field "olderThanDay"'],
  ["deleteDocuments", [{ project: "p", olderThanDays: "x" }], "olderThanDays must be a number of days; requestedBy is"],
  ["deleteDocuments", [{ requestedBy: "Ann" }], "either documentIds or project is needed"],
  ["deleteDocuments", [{ documentIds: [id], project: "p", requestedBy: "Ann" }], "either documentIds or project"],
  ["checkDeployment", ["ocr"], "the input must be an object"],
  ["checkDeployment", [{ queues: "ocr" }], "queues must be a list of at most 100 names of queues"],
  ["checkDeployment", [{ queues: [7] }], "queues must be a list of at most 100 names of queues"],
  ["checkDeployment", [{ queue: ["ocr"] }], 'the input has no field "queue"'],
  ["checkDeployment", [{ queues: [] }], "it names no queue"],
  ["checkDeployment", [{ queues: ["post"] }], "post is no queue of Docket"],
  ["deliverWebhook", [], "the input is missing"],
  ["deliverWebhook", [{ webhookId: "x", type: "y" }], "webhookId must be a UUID; eventId is missing; type must be"],
])("%s, started with %j, ends with InvalidInput", async (workflowType, args, problem) => {
  const handle = await stack.client.workflow.start(workflowType, {
    ...{ taskQueue: "documents", workflowId: `input-${randomUUID()}`, args, workflowExecutionTimeout: "20 seconds" },
  });
  const { cause } = await handle.result().then(
    (result) => expect.fail(JSON.stringify(result)),
    (error: WorkflowFailedError) => error,
  );
  expect(cause).toMatchObject({
    type: "InvalidInput",
    details: [{ type: "InvalidInput", remedy: expect.stringContaining("contract") }],
  });
  expect(cause?.message).toContain(`The input of ${workflowType} is not valid: `);
  expect(cause?.message).toContain(problem);
});

it("a deletion takes what a run before it has done from no stranger, and null for what is left out", async () => {
  const input = { documentIds: [id], project: null, olderThanDays: null, reason: null, requestedBy: "Ann" };
  const deletion = await stack.client.workflow.execute("deleteDocuments", {
    ...{ taskQueue: "documents", workflowId: `input-${randomUUID()}`, workflowExecutionTimeout: "20 seconds" },
    args: [input, { deleted: 99, after: id }],
  });
  expect(deletion).toEqual({ deleted: 0, objects: 0, failed: [] });
});

it("a notification that is none changes nothing, and an update that is wrong is refused", async () => {
  const key = `inputs/${randomUUID()}.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const document = await stack.client.workflow.start("processDocument", {
    ...{ taskQueue: "documents", workflowId: key, workflowExecutionTimeout: "60 seconds" },
    args: [{ document: { bucket: stack.bucket, key }, project: "inputs" }],
  });
  await document.signal("textractFinished");
  for (const wrong of [null, "job", 7, {}, { jobId: 7 }, { jobId: "no job's" }]) {
    await document.signal("textractFinished", wrong);
  }
  expect(await document.result()).toMatchObject({ status: "complete", textractJobs: 1 });

  // It waits for its items, and so does not end before all updates are there.
  const batchId = randomUUID();
  const settings = { project: "inputs", engine: "textract" as const, force: false, priority: 3, window: 10 };
  await createBatch(stack.database, {
    id: batchId,
    source: key,
    ...settings,
    features: [],
    prefix: null,
    onlyNew: false,
  });
  const batch = await stack.client.workflow.start("processBatch", {
    ...{ taskQueue: "documents", workflowId: `batch/${batchId}`, args: [{ batchId, project: "inputs" }] },
  });
  await Promise.all(
    [undefined, null, "7", 0, { window: 7 }].map((wrong) =>
      expect(batch.executeUpdate("setWindow", { args: [wrong] })).rejects.toMatchObject({
        cause: { message: "The window of a batch is a whole number from 1 to 1000." },
      }),
    ),
  );
  await batch.executeUpdate("cancel");
  expect(await batch.result()).toMatchObject({ state: "cancelled", counts: { total: 0 } });
  await stack.database.batch.delete({ where: { id: batchId } });
});
