import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gauge, Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { WorkerProcesses } from "#docket/cli/stack/worker-processes";
import { documentBreaker, recordFailure, regionBreaker, resetBreaker } from "#docket/database/circuit-breakers";
import { createDatabase } from "#docket/database/client";
import { readGuards } from "#docket/database/guards-state";
import { reserve } from "#docket/database/textract-rates";
import { freePort, isFree } from "#docket/local/free-port";
import { keptReading } from "#docket/worker/kept-reading";
import { stateGauges } from "#docket/worker/state-gauges";
import { docket, type Running, stackEnvironment, startWorker } from "./support/stack.ts";

let worker: Running;
let address: string;
beforeAll(async () => {
  const port = await freePort([]);
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
    expect(text).toContain("# TYPE docket_failures_total counter");
  });

  it("tells the guards that all workers share: breakers, job slots, lines and rates", async () => {
    const database = createDatabase({ url: inject("environment")["DATABASE_URL"] ?? "", poolSize: 1 });
    const region = "metrics-1";
    await recordFailure(database, regionBreaker(region), { threshold: 1, openMilliseconds: 60_000 }, "down");
    await recordFailure(database, documentBreaker("x"), { threshold: 1, openMilliseconds: 60_000 }, "failed");
    await reserve(database, { region, operation: "getText" }, { perSecond: 0.01 }, 0);
    // Gauges of one answer share a reading, which is kept for a moment, and left out where it takes too long.
    const shows = (state: RegExp) =>
      vi.waitFor(
        async () => {
          const text = await (await fetch(`${address}/metrics`)).text();
          expect(text).toMatch(state);
          return text;
        },
        { timeout: 30_000, interval: 200 },
      );
    const text = await shows(/^docket_region_breaker_state\{region="metrics-1".*\} 2$/m);
    expect(text).toMatch(/^docket_database_up\{.*\} 1$/m);
    expect(text).toMatch(/^docket_document_breakers_open\{.*\} [1-9]/m);
    expect(text).toMatch(/^docket_textract_rate_booked_seconds\{region="metrics-1",operation="getText".*\} \d\d/m);
    expect(text).toContain("# TYPE docket_textract_jobs_in_use gauge");
    expect(text).toContain("# TYPE docket_textract_starts_waiting gauge");
    await resetBreaker(database, regionBreaker(region));
    await resetBreaker(database, documentBreaker("x"));
    await shows(/^docket_region_breaker_state\{region="metrics-1".*\} 0$/m);
    await database.$disconnect();
  });

  it("counts a document's breaker while it refuses, not after its time, when nobody may ever try it again", async () => {
    const database = createDatabase({ url: inject("environment")["DATABASE_URL"] ?? "", poolSize: 1 });
    const { openDocumentBreakers: before } = await readGuards(database);
    const name = documentBreaker("past");
    await recordFailure(database, name, { threshold: 1, openMilliseconds: -1000 }, "failed");
    expect((await readGuards(database)).openDocumentBreakers).toBeLessThanOrEqual(before);
    await resetBreaker(database, name);
    await database.$disconnect();
  });

  it("ends with a message where another one listens already", async () => {
    const { port } = new URL(address);
    const second = await docket(["worker", "--queues", "ocr"], stackEnvironment({ DOCKET_HEALTH_PORT: port }));
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /Health and metrics cannot be served on http:\/\/127\.0\.0\.1:\d+: the port is taken/,
    );
    expect(second.stderr).toContain("DOCKET_HEALTH_PORT");
  });

  it("begins no reading while the one before is under way, and keeps one that comes late", async () => {
    const ends: ((value: string) => void)[] = [];
    const slow = () => new Promise<string>((end) => ends.push(end));
    const read = keptReading(slow, { keepMilliseconds: 60_000, answerMilliseconds: 1 });
    expect([await read(), await read(), await read()]).toEqual([null, null, null]);
    expect(ends).toHaveLength(1);
    ends[0]?.("late");
    await expect.poll(read).toBe("late");
    expect(ends).toHaveLength(1);
  });

  it("leaves out what cannot be read, and answers with the rest", async () => {
    const registry = new Registry();
    const gauge = stateGauges(registry, async () => null);
    gauge("with_labels", "Of a region.", ["region"], (it) => it.set({ region: "r" }, 1));
    gauge("without_labels", "Of all.", [], (it) => it.set(1));
    new Gauge({ name: "other", help: "Read elsewhere.", registers: [registry] }).set(7);
    const text = await registry.metrics();
    expect(text).toMatch(/^other 7$/m);
    expect(text).not.toMatch(/^with(out)?_labels[{ ]/m);
  });

  it("ends in order on SIGTERM", async () => {
    const ended = once(worker.child, "exit");
    worker.child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  });
});

it("the workers of `docket up` take the configured port and the one after it", async () => {
  // Below the ports that systems give to outgoing connections, as the workers' own.
  let port = 21_464 + 2 * (process.pid % 1000);
  while (!(await isFree(port)) || !(await isFree(port + 1))) port += 2;
  const logDirectory = await mkdtemp(join(tmpdir(), "docket-health-"));
  const reported: string[] = [];
  const workers = new WorkerProcesses({
    environment: stackEnvironment({ DOCKET_HEALTH_PORT: String(port) }),
    ...{ logDirectory, report: (message) => reported.push(message) },
  });
  try {
    await workers.start();
    const queues = [port, port + 1].map(async (number) => {
      const response = await fetch(`http://127.0.0.1:${number}/healthz`);
      return Object.keys(((await response.json()) as { queues: object }).queues);
    });
    expect(await Promise.all(queues)).toEqual([expect.arrayContaining(["documents"]), ["ocr"]]);
    expect(reported).toEqual([]);
  } finally {
    await workers.stop(10_000);
    await rm(logDirectory, { recursive: true });
  }
});
