import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startFaultyS3 } from "./support/s3-faults.ts";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

// S3 as it is, but for keys with this word, which it answers with a 400 that says nothing, as to a HEAD.
const refusedKey = "s3-refuses-this";
let s3: Awaited<ReturnType<typeof startFaultyS3>>;
let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
beforeAll(async () => {
  stack = await connectStack();
  s3 = await startFaultyS3(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
  for (const method of ["GET", "HEAD"] as const) s3.fault({ method, path: refusedKey, status: 400, count: 1000 });
  worker = await startWorker("documents", { AWS_ENDPOINT_URL_S3: s3.address });
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
  s3.close();
});

it("a document that S3 goes on refusing ends with its cause, and has a record that tells it", async () => {
  const document = { bucket: stack.bucket, key: `outage/${refusedKey}.pdf` };
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: "storage-refused",
    args: [{ document, project: "storage-refused" }],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: "StorageRefused" } });
  const rows = await stack.database.document.findMany({ where: { workflowId: "storage-refused" } });
  expect(rows).toMatchObject([{ status: "failed", failureType: "StorageRefused", key: document.key }]);
  expect(rows[0]?.failureMessage).toContain(refusedKey);
});
