import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Running, startWorker } from "./support/stack.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

let worker: Running;
let address: string;
beforeAll(async () => {
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  worker = await startWorker("ocr", { DOCKET_HEALTH_PORT: String(port) });
});
afterAll(() => worker.stop());

describe("a worker process", () => {
  it("says on /healthz which queues it polls", async () => {
    const response = await fetch(`${address}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ healthy: true, queues: { ocr: "RUNNING" } });
  });

  it("gives its metrics in Prometheus' format on /metrics", async () => {
    const text = await (await fetch(`${address}/metrics`)).text();
    expect(text).toMatch(/^docket_worker_up\{queues="ocr"\} 1$/m);
    expect(text).toMatch(/^docket_worker_process_resident_memory_bytes\{queues="ocr"\} \d+/m);
    expect(text).toContain("# TYPE docket_activity_seconds histogram");
  });

  it("ends in order on SIGTERM", async () => {
    const ended = once(worker.child, "exit");
    worker.child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  });
});
