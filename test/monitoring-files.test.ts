import { execFileSync, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "#docket/local/free-port";
import { promtool } from "../scripts/outside-tools.mjs";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

// Rules and dashboard against the /metrics of a real worker that serves all queues.
const folder = "deploy/monitoring";
let worker: Running;
let address: string;
let metrics: string;

const read = async () => (await fetch(`${address}/metrics`)).text();

beforeAll(async () => {
  const port = await freePort([]);
  address = `http://127.0.0.1:${port}`;
  worker = await startWorker(`${documentQueues},ocr`, {
    DOCKET_HEALTH_PORT: String(port),
    DOCKET_NOTIFICATION_QUEUE_URL: "http://127.0.0.1:9/none",
    DOCKET_OCR_MEMORY_MEBIBYTES: "300",
  });
  // What Temporal is asked for has some seconds, and is left out where they are over.
  const readWhole = async () => {
    metrics = await read();
    expect(metrics).toMatch(/^docket_queue_backlog_age_seconds\{queue="ocr"/m);
  };
  await vi.waitFor(readWhole, { timeout: 60_000, interval: 500 });
});
afterAll(() => worker.stop());

/** Metrics by the name that queries use: without what a histogram or Prometheus itself adds. */
function namesIn(text: string): Set<string> {
  const names = text.match(/\bdocket_[a-z_]+\b/g) ?? [];
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, "")));
}

const declared = () => new Set([...metrics.matchAll(/^# TYPE (docket_\w+) /gm)].map(([, name]) => name));

describe("files for operators", () => {
  it.each(["docket-alerts.yml", "grafana-dashboard.json"])("%s names metrics that workers have", async (file) => {
    const names = namesIn(await readFile(`${folder}/${file}`, "utf8"));
    expect(names.size).toBeGreaterThan(8);
    expect([...names].filter((name) => !declared().has(name))).toEqual([]);
  });

  it("documentation names every metric of Docket, and none besides", async () => {
    const [configuration, operations] = await Promise.all(
      ["docs/configuration.md", "docs/operations.md"].map((file) => readFile(file, "utf8")),
    );
    const own = [...declared()].filter((name) => !/^docket_worker_(process|nodejs)/.test(name ?? ""));
    expect(own.filter((name) => !namesIn(`${configuration}`).has(name ?? ""))).toEqual([]);
    const named = [...namesIn(`${configuration}${operations}`)].filter((name) => !name.endsWith("_"));
    expect(named.filter((name) => !declared().has(name) && name !== "docket_worker")).toEqual([]);
  });

  it("every alert is explained in docs/operations.md", async () => {
    const rules = await readFile(`${folder}/docket-alerts.yml`, "utf8");
    const operations = await readFile("docs/operations.md", "utf8");
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? "");
    expect(alerts.length).toBeGreaterThan(5);
    expect(alerts.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
  });

  it("promtool takes the rules, their tests, the example and the metrics", { timeout: 400_000 }, async (test) => {
    const { program, missing } = await promtool();
    if (program === undefined) return test.skip(missing);
    const run = (...args: string[]) => execFileSync(program, args, { cwd: folder, encoding: "utf8" });
    expect(run("check", "rules", "docket-alerts.yml")).toContain("SUCCESS");
    expect(run("test", "rules", "docket-alerts.test.yml")).toContain("SUCCESS");
    expect(run("check", "config", "--syntax-only", "prometheus.yml")).toContain("SUCCESS");
    // Lint without the default metrics of the client library, whose names are its own.
    const own = metrics.split("\n").filter((line) => !/docket_worker_(process|nodejs)/.test(line));
    const lint = spawnSync(program, ["check", "metrics"], { input: own.join("\n"), encoding: "utf8" });
    expect(lint.stderr + lint.stdout).not.toMatch(/error/i);
  });
});

describe("gauges of documents, memory and queues", () => {
  it("count documents, pages, money, and results that Textract forgets soon", async () => {
    const stack = await connectStack();
    const { randomUUID } = await import("node:crypto");
    const [project, id, slug] = [randomUUID(), randomUUID(), `metrics-${randomUUID().slice(0, 8)}`];
    try {
      await stack.database.project.create({ data: { id: project, slug } });
      await stack.database.document.create({
        data: {
          ...{ id, projectId: project, bucket: "none", key: "none", engine: "textract", workflowId: id, runId: id },
          ...{ status: "failed", failureType: "InvalidKmsKey", failureMessage: "-", failureRemedy: "-" },
          ...{ expectedPages: 7, storedPages: 7, costUsd: 1.25, finishedAt: new Date() },
          textractJobs: {
            // What the second one read was of another object, and is not kept on purpose.
            create: ["x", `unknown/${id}`].map((content, index) => ({
              ...{ id: randomUUID(), attempt: index + 1, features: [], token: randomUUID(), region: "us-east-1" },
              ...{ content, bucket: "none", key: "none", runId: id, jobId: randomUUID(), state: "succeeded" as const },
              submittedAt: new Date(Date.now() - 6.5 * 86_400_000),
            })),
          },
        },
      });
      await stack.database.deletion.create({
        data: {
          ...{ id, documentId: id, project: slug, requestedBy: "the test", objects: 0, sourceDeleted: false, jobs: [] },
          ...{ costUsd: 0.5, receivedAt: new Date() },
        },
      });
      const value = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
      // A reading is kept for ten seconds: the first one may be from before the document was there, and documents of
      // another file's may end meanwhile.
      let text = "";
      const differences = async () => {
        text = await read();
        const { _sum: sums } = await stack.database.document.aggregate({ _sum: { costUsd: true, storedPages: true } });
        const { _sum: deleted } = await stack.database.deletion.aggregate({ _sum: { costUsd: true } });
        return [
          value(text, /^docket_cost_usd\{.*\} ([\d.]+)/m).toFixed(6) ===
            (Number(sums.costUsd) + Number(deleted.costUsd)).toFixed(6),
          value(text, /^docket_pages_stored\{.*\} (\d+)/m) === sums.storedPages,
        ];
      };
      await expect.poll(differences, { timeout: 60_000, interval: 1000 }).toEqual([true, true]);
      expect(
        value(text, /^docket_documents\{status="failed",failure="InvalidKmsKey".*\} (\d+)/m),
      ).toBeGreaterThanOrEqual(1);
      const days = (count: number) => new Date(Date.now() - count * 86_400_000);
      const expiring = await stack.database.textractJob.count({
        where: {
          ...{
            state: { in: ["submitted", "succeeded", "partial_success"] },
            storedPages: null,
            content: { not: `unknown/${id}` },
          },
          submittedAt: { gt: days(7), lt: days(6) },
        },
      });
      expect(expiring).toBeGreaterThanOrEqual(1);
      expect(value(text, /^docket_results_expiring\{.*\} (\d+)/m)).toBe(expiring);
    } finally {
      await stack.database.textractJob.deleteMany({ where: { documentId: id } });
      await stack.database.document.deleteMany({ where: { id } });
      await stack.database.deletion.deleteMany({ where: { id } });
      await stack.close();
    }
  });

  it("tell the memory of the worker and the limit of its children", () => {
    expect(metrics).toMatch(/^docket_memory_limit_bytes\{.*\} [1-9]\d{8,}$/m);
    expect(metrics).toMatch(new RegExp(`^docket_child_memory_limit_bytes\\{.*\\} ${300 * 1024 * 1024}$`, "m"));
    expect(metrics).toMatch(/^docket_child_memory_bytes\{.*\} \d+$/m);
    expect(metrics).toMatch(/^docket_oom_kills_total\{.*\} \d+$/m);
  });

  it("tell what waits in each task queue, as Temporal knows it", () => {
    for (const queue of [...documentQueues.split(","), "ocr"]) {
      expect(metrics).toMatch(new RegExp(`^docket_queue_backlog\\{queue="${queue}".*\\} \\d+$`, "m"));
      expect(metrics).toMatch(new RegExp(`^docket_queue_backlog_age_seconds\\{queue="${queue}".*\\} \\d+$`, "m"));
    }
  });
});
