import { setTimeout as sleep } from "node:timers/promises";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type BreakingProxy, startBreakingProxy } from "../chaos/tcp-proxy.ts";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

const variables = { S3: "AWS_ENDPOINT_URL_S3", PostgreSQL: "DATABASE_URL", Textract: "AWS_ENDPOINT_URL_TEXTRACT" };
type Service = keyof typeof variables;

let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
const proxies = {} as Record<Service, BreakingProxy>;

beforeAll(async () => {
  stack = await connectStack();
  const extra: Record<string, string> = {};
  for (const [service, variable] of Object.entries(variables)) {
    const value = inject("environment")[variable] ?? "";
    const port = /:(\d+)(?=\/|$)/.exec(value)?.[1] ?? "";
    const proxy = await startBreakingProxy(() => Number(port));
    proxies[service as Service] = proxy;
    extra[variable] = value.replace(`:${port}`, `:${proxy.port}`);
  }
  worker = await startWorker(undefined, extra);
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
  for (const proxy of Object.values(proxies)) await proxy.close();
});

/** Starts a document of its own content. */
async function start(name: string) {
  const pdf = await PDFDocument.create();
  pdf.addPage([300, 200]).drawText(`During an outage: ${name}`, { x: 10, y: 100, size: 12 });
  const document = { bucket: stack.bucket, key: `outage/${name}.pdf` };
  await stack.storage.put(document.bucket, document.key, await pdf.save(), "application/pdf");
  return stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `outage-${name}`,
    args: [{ document, project: `outage-${name.toLowerCase()}` }],
    workflowTaskTimeout: "5 seconds",
  });
}

const complete = { status: "complete", pages: 1, storedPages: 1, textractJobs: 1 };
// A longer one by hand: OUTAGE_SECONDS=120.
const outageMilliseconds = Number(process.env["OUTAGE_SECONDS"] ?? 2.5) * 1000;

describe("documents wait while a service is gone, and go on when it is back", () => {
  it.each(Object.keys(variables) as Service[])(
    "%s refuses connections",
    async (service) => {
      const before = proxies[service].refused;
      proxies[service].refuse(true);
      const handle = await start(service);
      // It meets the outage.
      await expect.poll(() => proxies[service].refused, { timeout: 60_000 }).toBeGreaterThan(before);
      await sleep(outageMilliseconds);
      expect((await handle.describe()).status.name).toBe("RUNNING");
      proxies[service].refuse(false);
      expect(await handle.result()).toMatchObject(complete);
    },
    outageMilliseconds + 120_000,
  );

  it("the network resets every third connection", async () => {
    for (const proxy of Object.values(proxies)) proxy.breakEvery(3);
    const handles = [];
    for (const number of [1, 2, 3]) handles.push(await start(`third-${number}`));
    for (const handle of handles) expect(await handle.result()).toMatchObject(complete);
    for (const proxy of Object.values(proxies)) proxy.breakEvery(0);
  });
});
