import { expect, it } from "vitest";
import { documentQueues, useStack } from "./support/stack.ts";

const stack = useStack(`${documentQueues},ocr`);

it.each(["awaitTextract", "recognizeLocally"])(
  "a document cancelled during %s ends cancelled, and can be handed in again",
  async (stage) => {
    const engine = stage === "awaitTextract" ? "textract" : "local";
    const document = await stack.upload(`cancel/${stage}.tiff`, "samples/deposition-300dpi.tiff");
    const project = `cancel-${engine}`;
    const start = (workflowId: string) =>
      stack.client.workflow.start("processDocument", {
        taskQueue: "documents",
        workflowId,
        args: [{ document, project, engine }],
      });

    const handle = await start(`cancel-${stage}`);
    const progressOf = () => handle.query<{ stage: string; documentId: string }>("progress");
    await expect.poll(async () => (await progressOf()).stage, { timeout: 90_000, interval: 50 }).toBe(stage);
    const progress = await progressOf();
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });

    const where = { id: progress.documentId };
    expect(await stack.database.document.findUnique({ where })).toMatchObject({
      status: "cancelled",
      failureType: "Cancelled",
    });

    const again = await (await start(`cancel-${stage}-again`)).result();
    expect(again).toMatchObject({ documentId: progress.documentId, status: "complete" });
    expect(again.textractJobs).toBe(engine === "textract" ? 1 : 0);
  },
);
