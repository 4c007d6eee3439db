import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

let stack: Awaited<ReturnType<typeof connectStack>>;
let documents: Running;
beforeAll(async () => {
  stack = await connectStack();
  documents = await startWorker(documentQueues);
});
afterAll(async () => {
  await documents.stop();
  await stack.close();
});

it("a worker that is stopped in the middle of recognition hands the document on: it is not cancelled", async () => {
  const document = await stack.upload("shutdown/deposition.tiff", "samples/deposition-300dpi.tiff");
  const first = await startWorker("ocr", { DOCKET_SHUTDOWN_GRACE_SECONDS: "0.2" });
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: "worker-shutdown",
    args: [{ document, project: "worker-shutdown", engine: "local" }],
  });
  while ((await handle.query<{ stage: string }>("progress")).stage !== "recognizeLocally") await sleep(50);
  await sleep(500);
  await first.stop();

  const second = await startWorker("ocr");
  try {
    expect(await handle.result()).toMatchObject({ status: "complete", pages: 3, storedPages: 3, engine: "local" });
  } finally {
    await second.stop();
  }
});
