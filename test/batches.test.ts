import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { smallPdf } from "./support/small-pdf.ts";
import { useStack } from "./support/stack.ts";

const stack = useStack();

async function uploadMany(prefix: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const key = `${prefix}${String(index).padStart(4, "0")}.pdf`;
    await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  }
}

function startBatch(input: object) {
  const batchId = randomUUID();
  return stack.client.workflow.start("processBatch", {
    taskQueue: "documents",
    workflowId: `batch/${batchId}`,
    args: [{ batchId, ...input }],
  });
}

it("an S3 prefix goes through a small window, in short runs; a second batch finds everything complete", async () => {
  const prefix = `batch-${randomUUID()}/`;
  await uploadMany(prefix, 20);
  await stack.storage.put(stack.bucket, `${prefix}notes.txt`, "no document", "text/plain");
  const source = { bucket: stack.bucket, prefix };
  const handle = await startBatch({ source, project: "by-prefix", window: 5 });
  const result = await handle.result();
  expect(result).toMatchObject({ state: "finished", counts: { total: 20, listed: true, complete: 20, failed: 0 } });

  const runs = await runsOf(handle.workflowId);
  expect(runs.length).toBeGreaterThanOrEqual(4);
  const lengths = runs.map(({ historyLength }) => historyLength);
  console.log(
    "events by run:",
    lengths.join(" "),
    "sum",
    lengths.reduce((sum, length) => sum + length, 0),
  );
  expect(Math.max(...lengths)).toBeLessThan(100);

  const again = await startBatch({ source, project: "by-prefix", window: 5 });
  expect(await again.result()).toMatchObject({ counts: { total: 20, reused: 20, complete: 0 } });
});

async function runsOf(workflowId: string) {
  const runs = [];
  const query = `WorkflowId = "${workflowId}"`;
  for await (const run of stack.client.workflow.list({ query })) runs.push(run);
  return runs;
}
