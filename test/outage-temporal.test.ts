import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import type { SharedPart } from "#docket/local/shared-part";
import { startTemporal } from "#docket/local/temporal";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

// A server of its own: the shared one is not to be ended.
let folder: string;
let temporal: SharedPart;
let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
let connection: Connection;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-temporal-"));
  temporal = await startTemporal({ directory: join(folder, "temporal"), logDirectory: join(folder, "logs") });
  const address = `127.0.0.1:${temporal.ports["frontend"]}`;
  stack = await connectStack();
  worker = await startWorker(undefined, { TEMPORAL_ADDRESS: address });
  connection = await Connection.connect({ address });
});
afterAll(async () => {
  await worker.stop();
  await connection.close();
  await temporal.stop();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

it.each(["SIGTERM", "SIGKILL"] as const)(
  "documents that Textract is at work on when Temporal ends by %s go on when it runs again, and are paid once",
  async (signal) => {
    const client = new Client({ connection });
    const names = ["one", "two"].map((name) => `temporal-${signal.toLowerCase()}-${name}`);
    // Textract is at work for as long as Temporal is away.
    const faults = names.map((name) => ({ kind: "slow-job", milliseconds: 4000, key: `outage/${name}.pdf` }));
    const endpoint = inject("environment")["AWS_ENDPOINT_URL_TEXTRACT"];
    await fetch(`${endpoint}/faults`, { method: "POST", body: JSON.stringify(faults) });
    for (const name of names) {
      const pdf = await PDFDocument.create();
      pdf.addPage([300, 200]).drawText(`During a restart: ${name}`, { x: 10, y: 100, size: 12 });
      const document = { bucket: stack.bucket, key: `outage/${name}.pdf` };
      await stack.storage.put(document.bucket, document.key, await pdf.save(), "application/pdf");
      await client.workflow.start("processDocument", {
        taskQueue: "documents",
        workflowId: name,
        args: [{ document, project: "outage-temporal" }],
        workflowTaskTimeout: "5 seconds",
      });
    }
    const submitted = () =>
      stack.database.textractJob.count({
        where: { jobId: { not: null }, document: { workflowId: { in: names } } },
      });
    while ((await submitted()) < names.length) await sleep(100);
    const before = temporal.pid;
    process.kill(before ?? 0, signal);
    while (temporal.pid === before || temporal.pid === null) await sleep(100);

    for (const name of names) {
      expect(await client.workflow.getHandle(name).result()).toMatchObject({
        status: "complete",
        storedPages: 1,
        textractJobs: 1,
      });
    }
  },
);
