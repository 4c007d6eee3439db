import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { Connection } from "@temporalio/client";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "#docket/config";
import { searchAttributeNames } from "#docket/contract/process-document";
import { identifyProcess } from "#docket/local/process-identity";
import type { StepReport } from "#docket/local/report";
import { startS3 } from "#docket/local/s3";
import { type Stack, startStack } from "#docket/local/stack";
import { startTemporal } from "#docket/local/temporal";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { bareEnvironment } from "./support/bare-environment.ts";

let folder: string;
let launcher: string;
const environment = bareEnvironment();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-stack-"));
  launcher = join(folder, "launcher.mjs");
  const module = JSON.stringify(join(process.cwd(), "dist/local/stack.js"));
  await writeFile(
    launcher,
    `import { startStack } from ${module};
     const stack = await startStack({ dataDirectory: process.argv[2] });
     console.log(JSON.stringify({ parts: stack.parts, environment: stack.environment }));
     process.once("SIGTERM", () => stack.stop().then(() => process.exit(0)));
     setInterval(() => {}, 1000);`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open: Stack[] = [];
const launched: { child: ChildProcess; name: string }[] = [];
afterEach(async () => {
  for (const { child, name } of launched.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    // Joining is how one stops what a killed launcher left.
    await start(name);
  }
  for (const stack of open.splice(0)) await stack.stop();
});

async function start(name: string, steps: StepReport[] = []): Promise<Stack> {
  const dataDirectory = join(folder, name);
  const stack = await startStack({ dataDirectory, environment, report: (step) => steps.push(step) });
  open.push(stack);
  return stack;
}

/** A stack that another process started, as another terminal would. */
async function launch(name: string): Promise<Pick<Stack, "parts" | "environment"> & { child: ChildProcess }> {
  const child = spawn(process.execPath, [launcher, join(folder, name)], {
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  launched.push({ child, name });
  const [line] = (await once(createInterface({ input: child.stdout ?? process.stdin }), "line")) as [string];
  return { ...JSON.parse(line), child };
}

function pids(stack: Pick<Stack, "parts">): Record<string, number | null> {
  return Object.fromEntries(stack.parts.map(({ name, pid }) => [name, pid]));
}

async function living(stack: Record<string, number | null>): Promise<string[]> {
  const alive = await Promise.all(
    Object.entries(stack).map(async ([name, pid]) => ((await identifyProcess(pid ?? 0)) === null ? [] : [name])),
  );
  return alive.flat();
}

const everything = ["PostgreSQL", "S3", "Temporal", "Textract"];

describe("a stack that was started from nothing", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ dataDirectory: join(folder, "whole"), environment });
  });
  afterAll(() => stack.stop());

  it("has four servers that work together through its variables alone", async () => {
    expect(stack.parts.map(({ name }) => name).sort()).toEqual(everything);
    const { database, storage, textract } = loadConfig(stack.environment);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await client.end();

    // What the user has for AWS does not get in the way.
    const account = { AWS_PROFILE: "work", AWS_SESSION_TOKEN: "theirs", AWS_USE_FIPS_ENDPOINT: "true" };
    Object.assign(process.env, account, stack.environment);
    const s3 = createObjectStorage(storage);
    await s3.put(storage.bucket, "folder/ä.txt", "hello", "text/plain");
    expect((await s3.head({ bucket: storage.bucket, key: "folder/ä.txt" })).size).toBe(5);
    expect(await s3.bucketRegion(storage.bucket)).toBe("us-east-1");
    s3.close();

    expect(stack.textractStatus).toBe(textract.endpoint);
    const health = await fetch(`${stack.textractStatus}/health`);
    expect(await health.json()).toMatchObject({ status: "ok", region: "us-east-1" });
  });

  it("shows finished documents for 30 days, searchable by their attributes, in the Web UI", async () => {
    const connection = await Connection.connect({ address: stack.environment["TEMPORAL_ADDRESS"] ?? "" });
    const { config } = await connection.workflowService.describeNamespace({ namespace: "default" });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: "default" });
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(Object.values(searchAttributeNames)));
    await connection.close();
    const page = await fetch(stack.webUi ?? "");
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<html");
  });

  it("keeps its folder and its secrets to its owner", async () => {
    const modes = await Promise.all(
      ["", "postgres/password", "s3/secret-access-key", "postgres/process.json"].map(
        async (path) => (await stat(join(folder, "whole", path))).mode & 0o077,
      ),
    );
    expect(modes).toEqual([0, 0, 0, 0]);
  });

  it.runIf(process.platform === "linux")("listens on loopback only", async () => {
    for (const { name, pid } of stack.parts) {
      const addresses = await listeningAddresses(pid ?? 0);
      expect({ name, some: addresses.length > 0 }).toEqual({ name, some: true });
      // 127.0.0.1 in the kernel's notation.
      expect(addresses.filter((address) => address !== "0100007F")).toEqual([]);
    }
  });
});

it("is shared with a second process, and stopped by the last one that leaves", async () => {
  const first = await launch("shared");
  const second = await start("shared");
  expect(pids(second)).toEqual(pids(first));
  expect(second.environment).toEqual(first.environment);

  first.child.kill("SIGTERM");
  await once(first.child, "exit");
  expect((await living(pids(second))).sort()).toEqual(everything);
  await second.stop();
  expect(await living(pids(second))).toEqual([]);
});

it("is started once by processes that start at the same moment", async () => {
  const stacks = await Promise.all([launch("moment"), launch("moment"), start("moment")]);
  expect(pids(stacks[1])).toEqual(pids(stacks[0]));
  expect(pids(stacks[2])).toEqual(pids(stacks[0]));
});

it("does not take another stack's server for its own when both want the same ports at the same moment", async () => {
  const temporals = await Promise.all(
    ["one", "two", "three"].map((name) => {
      const directory = join(folder, "ports", name);
      return startTemporal({ directory, logDirectory: join(directory, "logs"), environment });
    }),
  );
  const ports = temporals.flatMap((temporal) => Object.values(temporal.ports));
  expect(new Set(ports).size).toBe(6);
  const began = temporals.map(({ pid }) => pid);
  await setTimeout(1500);
  expect(temporals.map(({ pid }) => pid)).toEqual(began);
  await Promise.all(temporals.map((temporal) => temporal.stop()));
});

it("of a launcher that was killed is found and used again, and then ends with its new user", async () => {
  const steps: StepReport[] = [];
  const killed = await launch("killed");
  killed.child.kill("SIGKILL");
  await once(killed.child, "exit");
  expect((await living(pids(killed))).sort()).toEqual(everything);

  const stack = await start("killed", steps);
  expect({ pids: pids(stack), steps }).toMatchObject({ pids: pids(killed) });
  expect(steps.filter(({ state }) => state === "reused")).toHaveLength(4);
  await stack.stop();
  expect(await living(pids(killed))).toEqual([]);
});

it("of a machine that went down starts again, although other processes have its numbers now", async () => {
  const killed = await launch("reboot");
  killed.child.kill("SIGKILL");
  for (const { name, pid } of killed.parts) {
    process.kill(pid ?? 0, "SIGKILL");
    const path = join(folder, "reboot", name.toLowerCase().replace("ql", ""), "process.json");
    const record = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...record, pid: process.pid }));
  }
  await expect.poll(() => living(pids(killed))).toEqual([]);
  const stack = await start("reboot");
  expect(Object.values(pids(stack))).not.toContain(process.pid);
  // Temporal goes back to its usual port as soon as that is free.
  const others = { ...killed.environment, TEMPORAL_ADDRESS: expect.any(String) };
  expect(stack.environment).toEqual(others);
  expect((await living(pids(stack))).sort()).toEqual(everything);
});

it.each(everything)("starts %s again on its ports when it is killed", async (name) => {
  const steps: StepReport[] = [];
  const stack = await start("healing", steps);
  const { [name]: pid } = pids(stack);
  const address = stack.parts.find((part) => part.name === name)?.address;
  process.kill(pid ?? 0, "SIGKILL");
  const details = () => steps.map(({ detail }) => detail).join("\n");
  await expect.poll(details, { timeout: 30_000 }).toMatch(/ended by SIGKILL unexpectedly.*runs again as process/s);
  expect(pids(stack)[name]).not.toBe(pid);
  expect(stack.parts.find((part) => part.name === name)?.address).toBe(address);
});

it("that is no longer wanted while it starts leaves no process", async () => {
  const before = await childrenIn(join(folder, "aborted"));
  const abort = new AbortController();
  const starting = startStack({
    dataDirectory: join(folder, "aborted"),
    environment,
    signal: abort.signal,
    // PostgreSQL is in the middle of making its cluster then.
    report: ({ step, state }) => step === "S3" && state === "done" && abort.abort(new Error("no longer wanted")),
  });
  await expect(starting).rejects.toThrow("no longer wanted");
  expect(await childrenIn(join(folder, "aborted"))).toEqual(before);
});

it("without one part that cannot be had stops the others and says which", async () => {
  const starting = startStack({
    dataDirectory: join(folder, "incomplete"),
    environment: { ...environment, DOCKET_VERSITYGW: "/nowhere/versitygw" },
  });
  await expect(starting).rejects.toMatchObject({ type: "InvalidInput", message: expect.stringContaining("/nowhere") });
  expect(await childrenIn(join(folder, "incomplete"))).toEqual([]);
});

it("leaves alone what is configured", async () => {
  const steps: StepReport[] = [];
  const shared = await start("configured-theirs");
  // What other tests find nothing of after a stop is seen here.
  expect(await childrenIn(join(folder, "configured-theirs"))).not.toEqual([]);
  const dataDirectory = join(folder, "configured-ours");
  const stack = await startStack({
    dataDirectory,
    environment: { ...environment, ...shared.environment },
    report: (step) => steps.push(step),
  });
  open.push(stack);
  expect(stack.parts.map(({ kind }) => kind)).toEqual(["external", "external", "external", "external"]);
  expect(steps.map(({ state }) => state)).toEqual(["external", "external", "external", "external"]);
  expect(JSON.stringify([steps, stack.parts])).not.toContain(
    new URL(shared.environment["DATABASE_URL"] ?? "").password,
  );
  expect(await readdir(dataDirectory)).toEqual([]);
  await stack.stop();
  expect((await living(pids(shared))).sort()).toEqual(everything);
});

it("can have a second S3 in another region, which knows its own buckets only", async () => {
  const directory = join(folder, "ireland/s3");
  const s3 = await startS3({ directory, region: "eu-west-1", bucket: "irish", environment });
  try {
    const client = new S3Client({
      region: "eu-west-1",
      endpoint: s3.endpoint,
      forcePathStyle: true,
      credentials: s3.accessKey,
    });
    const { BucketRegion } = await client.send(new HeadBucketCommand({ Bucket: "irish" }));
    expect(BucketRegion).toBe("eu-west-1");
    await expect(client.send(new HeadBucketCommand({ Bucket: "docket" }))).rejects.toThrow();
    client.destroy();
  } finally {
    await s3.stop();
  }
  expect(await identifyProcess(s3.part.pid)).toBeNull();
});

/** Processes whose command line names a folder. */
async function childrenIn(path: string): Promise<string[]> {
  const child = spawn("ps", ["-eo", "command"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) if (line.includes(path)) lines.push(line);
  return lines;
}

/** Local addresses of a process's listening TCP sockets (proc_pid_net(5)), IPv4 and IPv6. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
  const sockets = new Set(targets.map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]));
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => readFile(`/proc/${pid}/net/${table}`, "utf8")));
  const rows = tables.flatMap((table) =>
    table
      .trim()
      .split("\n")
      .slice(1)
      .map((row) => row.trim().split(/\s+/)),
  );
  const listening = "0A";
  return rows.filter((row) => row[3] === listening && sockets.has(row[9])).map((row) => row[1]?.split(":")[0] ?? "");
}
