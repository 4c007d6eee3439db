import { randomBytes, randomUUID } from "node:crypto";
import { Client, Connection, type WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, expect, inject, it, vi } from "vitest";
import { checkVersion } from "#docket/client/deployment-gate";
import { readBudgets, setBudget } from "#docket/database/project-budgets";
import { smallPdf } from "./support/small-pdf.ts";
import {
  type CommandResult,
  connectStack,
  docket,
  documentQueues,
  type Running,
  stackEnvironment,
  startWorker,
} from "./support/stack.ts";

// A namespace of its own: the current version of a deployment counts for everything in it.
const run = randomUUID().slice(0, 8);
const namespace = `versions-${run}`;
const deployment = "docket-test";
const environment = {
  TEMPORAL_NAMESPACE: namespace,
  TEMPORAL_DEPLOYMENT_NAME: deployment,
};
const keys = { ours: randomBytes(32).toString("base64"), theirs: randomBytes(32).toString("base64") };
const keysOf = (id: keyof typeof keys | null): Record<string, string> =>
  id === null ? {} : { DOCKET_PAYLOAD_KEYS: `${id}=${keys[id]}` };
const workers: Running[] = [];
let stack: Awaited<ReturnType<typeof connectStack>>;
let connection: Connection;
let client: Client;

const startVersion = async (buildId: string, queues?: string, extra: Record<string, string> = {}) => {
  const worker = await startWorker(queues, { ...environment, TEMPORAL_WORKER_BUILD_ID: buildId, ...extra });
  workers.push(worker);
  return worker;
};
const command = (args: string[]): Promise<CommandResult> => docket(args, stackEnvironment(environment));
const lines = ({ stdout }: CommandResult) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  stack = await connectStack();
  connection = await Connection.connect({ address: inject("environment")["TEMPORAL_ADDRESS"] ?? "" });
  client = new Client({ connection, namespace });
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await connection.close();
  await stack.close();
});

it("docket setup makes the namespace and its search attributes, once", async () => {
  const first = await command(["setup", "--json"]);
  expect(first.stderr).not.toContain("error");
  expect(first.code).toBe(0);
  expect(lines(first).map(({ name, changed }) => [name, changed])).toEqual([
    ["migrations", false],
    ["namespace", true],
    ["search attributes", true],
  ]);
  const again = await command(["setup", "--json"]);
  expect(again.code).toBe(0);
  expect(lines(again).map(({ changed }) => changed)).toEqual([false, false, false]);
});

it("a version that no worker has announced cannot pass the gate", async () => {
  const { code, stderr } = await command(["gate", "v0"]);
  expect(code).toBe(1);
  expect(stderr).toContain("docket-test v0");
});

it("the gate runs on the version by name, and makes it the current one", async () => {
  await startVersion("v1");
  const ocr = await startVersion("v1", "ocr");
  const queues = `${documentQueues},ocr`;
  const result = await command(["gate", "v1", "--queues", queues, "--make-current", "--json"]);
  await ocr.stop();
  expect(result.code, result.stdout + result.stderr).toBe(0);
  expect(lines(result).map(({ name, queue, status }) => [name, queue, status])).toEqual([
    ["database", "documents", "ok"],
    ["bucket", "documents", "ok"],
    ["textract", "textract-submit", "ok"],
    ["textract", "textract-results", "ok"],
    ["recogniser", "ocr", "ok"],
  ]);
});

it("a version whose worker has begun, and which the server does not know yet, is waited for", async () => {
  const buildId = "just-begun";
  const worker = await startVersion(buildId, "documents");
  const { workflowService } = client;
  const describeVersion = workflowService.describeWorkerDeploymentVersion.bind(workflowService);
  const unknown = { namespace, deploymentVersion: { deploymentName: deployment, buildId: "unknown" } };
  const asked = vi
    .spyOn(workflowService, "describeWorkerDeploymentVersion")
    .mockImplementationOnce(() => describeVersion(unknown));
  const checks = await checkVersion(client, { deploymentName: deployment, buildId }, ["documents"]);
  expect(asked.mock.calls.length).toBeGreaterThanOrEqual(2);
  asked.mockRestore();
  await worker.stop();
  expect(checks.map(({ name, failure }) => [name, failure])).toEqual([
    ["database", null],
    ["bucket", null],
  ]);
});

it.each([
  ["other keys than the gate", "theirs", "ours"],
  ["keys, and the gate has none", "theirs", null],
  ["no keys, and the gate has some", null, "ours"],
] as const)(
  "the gate of a version whose workers have %s tells at once that they differ",
  async (name, theirs, ours) => {
    const buildId = name.replace(/\W+/g, "-");
    const worker = await startVersion(buildId, "documents", keysOf(theirs));
    const gate = docket(
      ["gate", buildId, "--queues", "documents"],
      stackEnvironment({ ...environment, ...keysOf(ours) }),
    );
    expect(await gate).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/payload keys of .*, are not the same/),
    });
    await worker.stop();
  },
);

it("a queue that no worker of the version serves is told beside what the others found", async () => {
  const worker = await startVersion("partly", "documents");
  const result = await command(["gate", "partly", "--queues", "documents,ocr", "--json"]);
  await worker.stop();
  expect(result.code, result.stderr).toBe(2);
  expect(lines(result).map(({ name, queue, status }) => [name, queue, status])).toEqual([
    ["database", "documents", "ok"],
    ["bucket", "documents", "ok"],
    ["worker", "ocr", "failed"],
  ]);
});

it("a queue whose workers have other keys than those of the documents does not pass the gate", async () => {
  const others = await startVersion("mixed", "textract-submit", keysOf("theirs"));
  const both = `${keysOf("ours")["DOCKET_PAYLOAD_KEYS"]},${keysOf("theirs")["DOCKET_PAYLOAD_KEYS"]}`;
  const worker = await startVersion("mixed", "documents", { DOCKET_PAYLOAD_KEYS: both });
  const args = ["gate", "mixed", "--queues", "documents,textract-submit", "--json"];
  const result = await docket(args, stackEnvironment({ ...environment, ...keysOf("ours") }));
  await Promise.all([worker.stop(), others.stop()]);
  expect(result.code, result.stderr).toBe(2);
  expect(lines(result).filter(({ status }) => status === "failed")).toEqual([
    expect.objectContaining({
      name: "payload keys",
      queue: "textract-submit",
      detail: expect.stringContaining('"ours"'),
    }),
  ]);
});

const held = `held-${run}`;
const cap = (capUsd: number) => setBudget(stack.database, { project: held, capUsd, monthly: false }, () => 0);

async function handIn(name: string, project: string): Promise<WorkflowHandle> {
  const key = `versions/${run}/${name}.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(`${run} ${name}`), "application/pdf");
  return client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `${run}-${name}`,
    args: [{ document: { bucket: stack.bucket, key }, project }],
  });
}

/** Build ids of the workers that ran a workflow's tasks, in order, each once. */
async function versionsOf(workflowId: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const found = (events ?? []).flatMap(
    ({ workflowTaskCompletedEventAttributes }) =>
      workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? [],
  );
  return [...new Set(found)];
}

const stageOf = async (handle: WorkflowHandle) => (await handle.query<{ stage: string }>("progress")).stage;

it("a document under way ends on its version, a batch goes on with the new one, and new documents begin on it", async () => {
  // Nothing of the project may be paid yet: its documents wait in the middle of their life.
  await cap(0.000001);
  const old = await Promise.all([1, 2, 3].map((number) => handIn(`old-${number}`, held)));
  const waiting = () => stack.database.document.count({ where: { project: { slug: held }, status: "processing" } });
  for (const handle of old) await expect.poll(() => stageOf(handle), { timeout: 60_000 }).toBe("submitTextract");
  const reached = async () => (await readBudgets(stack.database, held))[0]?.reachedAt;
  await expect.poll(reached, { timeout: 60_000 }).toBeInstanceOf(Date);
  const prefix = `versions/${run}/batch/`;
  for (const number of [1, 2]) {
    const pdf = await smallPdf(`${run} batch ${number}`);
    await stack.storage.put(stack.bucket, `${prefix}${number}.pdf`, pdf, "application/pdf");
  }
  const batch = await client.workflow.start("processBatch", {
    taskQueue: "documents",
    workflowId: `${run}-batch`,
    args: [{ source: { bucket: stack.bucket, prefix }, project: held, window: 1 }],
  });
  const toldBy = async () => (await batch.query<{ waitingFor: string | null }>("progress")).waitingFor;
  await expect.poll(toldBy, { timeout: 60_000 }).toContain(held);

  await startVersion("v2");
  expect(await command(["gate", "v2", "--make-current"])).toMatchObject({ code: 0 });
  const fresh = await Promise.all([1, 2, 3].map((number) => handIn(`new-${number}`, `free-${run}`)));
  const complete = { status: "complete", textractJobs: 1 };
  for (const handle of fresh) expect(await handle.result()).toMatchObject(complete);
  expect(await waiting()).toBe(3);
  await cap(1);
  for (const handle of old) expect(await handle.result()).toMatchObject(complete);
  expect(await batch.result()).toMatchObject({ state: "finished", counts: { complete: 2 } });

  for (const { workflowId } of old) expect(await versionsOf(workflowId)).toEqual(["v1"]);
  for (const { workflowId } of fresh) expect(await versionsOf(workflowId)).toEqual(["v2"]);
  // The batch's last run: history is by run.
  expect(await versionsOf(batch.workflowId)).toEqual(["v2"]);
}, 240_000);

it("a version whose environment lacks something does not pass the gate, and the current one stays", async () => {
  const bad = await startVersion("v3", "documents", { DOCKET_BUCKET: `missing-${run}` });
  const result = await command(["gate", "v3", "--queues", "documents", "--make-current", "--json"]);
  expect(result.code).toBe(2);
  expect(lines(result)).toEqual([
    expect.objectContaining({ name: "database", status: "ok" }),
    expect.objectContaining({ name: "bucket", status: "failed", remedy: expect.stringMatching(/bucket/) }),
  ]);
  await bad.stop();
  const handle = await handIn("after", `free-${run}`);
  expect(await handle.result()).toMatchObject({ status: "complete" });
  expect(await versionsOf(handle.workflowId)).toEqual(["v2"]);
}, 180_000);

it("one of the two variables alone is a mistake that is told", async () => {
  const { code, stderr, stdout } = await docket(
    ["worker", "--queues", "ocr"],
    stackEnvironment({ TEMPORAL_WORKER_BUILD_ID: "v1" }),
  );
  expect(code).toBe(1);
  expect(stdout + stderr).toContain("TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID go together");
});
