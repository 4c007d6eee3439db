import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { childrenOf } from "./support/child-processes.ts";
import { startWorker, useStack } from "./support/stack.ts";

const stack = useStack();

it.runIf(process.platform === "linux")(
  "two documents at once are read one after the other by one worker",
  async () => {
    const worker = await startWorker("ocr");
    const pid = worker.child.pid ?? 0;
    let most = 0;
    let over = false;
    const watch = (async () => {
      while (!over) {
        most = Math.max(most, childrenOf(pid, "recognize-child").length);
        await sleep(20);
      }
    })();
    try {
      const results = await Promise.all(
        ["court-order.png", "invoice.jpg"].map(async (name) => {
          const document = await stack.upload(`one-at-a-time/${name}`, `samples/${name}`);
          return stack.client.workflow.execute("processDocument", {
            taskQueue: "documents",
            workflowId: `one-at-a-time-${name}`,
            args: [{ document, project: "one-at-a-time", engine: "local" }],
          });
        }),
      );
      expect(results).toMatchObject([{ status: "complete" }, { status: "complete" }]);
      expect(most).toBe(1);
    } finally {
      over = true;
      await watch;
      await worker.stop();
    }
  },
  300_000,
);
