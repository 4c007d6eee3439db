import { setTimeout as sleep } from "node:timers/promises";
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
    let progress = await handle.query<{ stage: string; documentId: string }>("progress");
    for (let tries = 0; progress.stage !== stage && tries < 300; tries++) {
      await sleep(50);
      progress = await handle.query("progress");
    }
    expect(progress.stage).toBe(stage);
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
