import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

let folder: string;
let stack: Awaited<ReturnType<typeof connectStack>>;
let documents: Running;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-shutdown-"));
  stack = await connectStack();
  documents = await startWorker(documentQueues);
});
afterAll(async () => {
  await documents.stop();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

it("a worker that is stopped in the middle of recognition hands the document on: it is not cancelled", async () => {
  const [endless, begun] = [join(folder, "tesseract"), join(folder, "begun")];
  await writeFile(endless, `#!/bin/sh\ntouch ${begun}\nexec sleep 600\n`, { mode: 0o755 });
  const document = await stack.upload("shutdown/deposition.tiff", "samples/deposition-300dpi.tiff");
  const first = await startWorker("ocr", { DOCKET_SHUTDOWN_GRACE_SECONDS: "0.2", DOCKET_OCR_TESSERACT: endless });
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: "worker-shutdown",
    args: [{ document, project: "worker-shutdown", engine: "local" }],
  });
  await expect.poll(() => existsSync(begun), { timeout: 60_000 }).toBe(true);
  await first.stop();

  const second = await startWorker("ocr");
  try {
    expect(await handle.result()).toMatchObject({ status: "complete", pages: 3, storedPages: 3, engine: "local" });
  } finally {
    await second.stop();
  }
  const { events } = await handle.fetchHistory();
  const attempts = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? []);
  expect(Math.max(...attempts)).toBeGreaterThanOrEqual(2);
});
