import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectStack, docket, documentQueues, type Running, stackEnvironment, startWorker } from "./support/stack.ts";

// A collector that takes OTLP over HTTP as JSON, and real processes that send to it.
interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  service: string;
}
const spans: Span[] = [];
let collector: Server;
let worker: Running;
let stack: Awaited<ReturnType<typeof connectStack>>;
let telemetry: Record<string, string>;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === "/v1/traces") {
      for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString("utf8")).resourceSpans) {
        const service = resource.attributes.find(({ key }: { key: string }) => key === "service.name").value
          .stringValue;
        for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, service });
      }
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  telemetry = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_BSP_SCHEDULE_DELAY: "200" };
  stack = await connectStack();
  worker = await startWorker(documentQueues, telemetry);
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
  collector.close();
});

describe("with a collector named", () => {
  it("one document is one trace, from the hand-in to completeDocument", async () => {
    const project = `traced-${randomUUID().slice(0, 8)}`;
    const submit = await docket(
      ["submit", "samples/court-order.png", "--project", project, "--wait", "--json"],
      stackEnvironment(telemetry),
    );
    expect([submit.code, submit.stderr]).toEqual([0, expect.any(String)]);
    const inTrace = (name: string) => spans.filter((span) => span.name === name);
    await expect.poll(() => inTrace("RunActivity:completeDocument").length, { timeout: 30_000 }).toBe(1);
    await expect.poll(() => inTrace("RunWorkflow:processDocument").length, { timeout: 30_000 }).toBeGreaterThan(0);

    const [root] = inTrace("StartWorkflow:processDocument");
    expect(root?.service).toBe("docket-client");
    expect(root?.parentSpanId ?? "").toBe("");
    const trace = spans.filter(({ traceId }) => traceId === root?.traceId);
    const activities = trace.filter(({ name }) => name.startsWith("RunActivity:")).map(({ name }) => name.slice(12));
    for (const step of ["createRecord", "checkPrerequisites", "submitTextract", "awaitTextract", "collectPages"]) {
      expect(activities).toContain(step);
    }
    expect(activities.at(-1)).toBe("completeDocument");
    expect(
      trace.filter(({ name }) => name.startsWith("RunActivity:")).every((s) => s.service === "docket-worker"),
    ).toBe(true);
    // Every span of the document is in the one trace, and hangs on another span of it. A worker may also call what earlier
    // tests left in line.
    const own = spans.filter(({ name }) => !/^(Describe|SignalWorkflow:textractTurn)/.test(name));
    expect(new Set(own.map(({ traceId }) => traceId)).size).toBe(1);
    const known = new Set(trace.map(({ spanId }) => spanId));
    expect(
      trace.filter((span) => span !== root && !known.has(span.parentSpanId ?? "")).map(({ name }) => name),
    ).toEqual([]);
  });
});
