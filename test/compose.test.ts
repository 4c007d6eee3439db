import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { freePort } from "#docket/local/free-port";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, runCommand } from "./support/stack.ts";

// No container engine is needed: what compose.yaml and Dockerfile would run in containers is run as plain processes, with
// the addresses of this test's services in place of the containers' names.

interface Service {
  command: string[];
  environment: Record<string, string>;
  mem_limit: string;
  healthcheck?: { test: string[]; disable?: boolean };
  depends_on?: Record<string, unknown>;
  ports?: string[];
  read_only?: boolean;
}

const run = randomUUID().slice(0, 8);
const stack = inject("environment");
const database = `compose_${run}`;
const processes: ChildProcess[] = [];
let services: Record<string, Service>;
let dockerfile: string;
let folder: string;
let textractPort: number;
let documentsPort: number;
let temporal: Client;
let connection: Connection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-compose-"));
  dockerfile = await readFile("Dockerfile", "utf8");
  services = parse(await readFile("compose.yaml", "utf8"), { merge: true }).services;
  await administer(`CREATE DATABASE ${database}`);
  textractPort = await freePort([]);
  documentsPort = await freePort([]);
  connection = await Connection.connect({ address: stack["TEMPORAL_ADDRESS"] ?? "" });
  temporal = new Client({ connection, namespace: `docket-${run}` });
});
afterAll(async () => {
  await Promise.all(
    processes.map(async (child) => {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }),
  );
  await connection.close();
  await administer(`DROP DATABASE ${database} WITH (FORCE)`);
  await rm(folder, { recursive: true, force: true });
});

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: stack["DATABASE_URL"] });
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** The service's own environment, with this machine's places for the names of containers and for what .env would hold. */
function environmentOf(service: Service, extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const url = new URL(stack["DATABASE_URL"] ?? "");
  url.pathname = database;
  const places: Record<string, string> = {
    DATABASE_URL: url.toString(),
    TEMPORAL_ADDRESS: stack["TEMPORAL_ADDRESS"] ?? "",
    TEMPORAL_NAMESPACE: `docket-${run}`,
    DOCKET_BUCKET: `docket-${run}`,
    AWS_ENDPOINT_URL_S3: stack["AWS_ENDPOINT_URL_S3"] ?? "",
    AWS_ENDPOINT_URL_TEXTRACT: `http://127.0.0.1:${textractPort}`,
    AWS_ACCESS_KEY_ID: stack["AWS_ACCESS_KEY_ID"] ?? "",
    AWS_SECRET_ACCESS_KEY: stack["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  expect(Object.keys(service.environment)).toEqual(expect.arrayContaining(Object.keys(places)));
  return { ...process.env, ...imageEnvironment(), ...service.environment, ...places, ...extra };
}

/** What the Dockerfile sets in every container; its cache is in this test's folder. */
function imageEnvironment(): Record<string, string> {
  const [, block = ""] = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile) ?? [];
  const pairs = block.split(/\\?\n|\s+/).flatMap((part) => (part.includes("=") ? [part.trim().split("=")] : []));
  const variables = Object.fromEntries(pairs.map(([name, value]) => [name ?? "", value ?? ""]));
  expect(variables).toHaveProperty("DOCKET_HEALTH_PORT");
  return { ...variables, XDG_CACHE_HOME: join(folder, "cache") };
}

const entry = () => JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? "[]") as string[];

/** The command line of a service's container, here. */
function commandOf(service: Service): string[] {
  const [program, ...rest] = entry();
  expect(program).toBe("node");
  return [...rest.map((argument) => argument.replace("/docket/", "")), ...service.command];
}

async function start(service: Service, ready: RegExp, extra: Record<string, string>, replace: [string, string][] = []) {
  const swap = (argument: string) => replace.reduce((text, [from, to]) => (text === from ? to : text), argument);
  const child = spawn(process.execPath, commandOf(service).map(swap), {
    env: environmentOf(service, extra),
    stdio: ["ignore", "pipe", "pipe"],
  });
  processes.push(child);
  let log = "";
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      log += chunk;
      if (ready.test(log)) resolve();
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("exit", (code) => reject(new Error(`ended (${code}) with: ${log}`)));
  });
}

const service = (name: string): Service => services[name] as Service;

describe("compose.yaml", () => {
  it("limits every service's memory, publishes on loopback only, and gives Docket no writable root", () => {
    for (const [name, { mem_limit, ports = [] }] of Object.entries(services)) {
      if (name !== "setup") expect([name, /^\d+[mg]$/.test(mem_limit)]).toEqual([name, true]);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    for (const name of ["textract", "setup", "documents", "ocr"]) expect(service(name).read_only).toBe(true);
    for (const name of ["documents", "ocr"]) expect(service(name).depends_on).toHaveProperty("setup");
  });

  it("its setup prepares database, namespace and bucket, and does nothing the second time", async () => {
    const setup = () =>
      runCommand(process.execPath, [...commandOf(service("setup")), "--json"], environmentOf(service("setup")));
    const steps = ({ stdout }: { stdout: string }) =>
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    const first = await setup();
    expect(first.code).toBe(0);
    expect(steps(first).map(({ name, changed }) => [name, changed])).toEqual(
      ["migrations", "namespace", "search attributes", "bucket"].map((name) => [name, true]),
    );
    const second = await setup();
    expect(second.code).toBe(0);
    expect(steps(second).map(({ changed }) => changed)).toEqual([false, false, false, false]);
  });

  it("its workers and its Textract read documents, each in its container's own way", async () => {
    await start(service("textract"), /Textract for/, {}, [
      ["0.0.0.0", "127.0.0.1"],
      ["4577", String(textractPort)],
      ["/data", folder],
    ]);
    await start(service("documents"), /worker is polling/, { DOCKET_HEALTH_PORT: String(documentsPort) });
    await start(service("ocr"), /worker is polling/, { DOCKET_HEALTH_PORT: "0" });
    const bucket = `docket-${run}`;
    const { storage, close } = await connectStack();
    await storage.put(bucket, "1.pdf", await smallPdf(`compose ${run}`), "application/pdf");
    await storage.put(bucket, "2.jpg", await readFile("samples/invoice.jpg"), "image/jpeg");
    await close();
    const read = (key: string, engine: string) =>
      temporal.workflow.execute("processDocument", {
        taskQueue: "documents",
        workflowId: `compose-${run}-${key}`,
        args: [{ document: { bucket, key }, engine }],
      });
    const [first, second] = await Promise.all([read("1.pdf", "textract"), read("2.jpg", "local")]);
    expect(first).toMatchObject({ status: "complete", engine: "textract", textractJobs: 1 });
    expect(second).toMatchObject({ status: "complete", engine: "local", textractJobs: 0 });
  });

  it("a command in a container of the workers' hands a folder in and reads its text", async () => {
    const scans = await mkdtemp(join(folder, "scans-"));
    await writeFile(join(scans, "letter.pdf"), await smallPdf(`by a container ${run}`));
    const asContainer = (...command: string[]) =>
      runCommand(
        process.execPath,
        commandOf({ ...service("documents"), command }),
        environmentOf(service("documents")),
      );
    const { code, stdout } = await asContainer("submit", scans, "--wait", "--json");
    expect(code).toBe(0);
    const { documentId } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    expect((await asContainer("text", documentId)).stdout).toContain(`by a container ${run}`);
  });

  it("client.env names for programs on the machine what the containers have, by published ports", async () => {
    const secrets = { POSTGRES_PASSWORD: "p4ss", S3_ACCESS_KEY: "key", S3_SECRET_KEY: "secret" };
    const { stdout } = await runCommand("sh", ["-c", "set -a; . deploy/compose/client.env; env"], {
      ...process.env,
      ...secrets,
    });
    const shown = new Map(stdout.split("\n").map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]));
    const { DOCKET_SHUTDOWN_GRACE_SECONDS: _, ...own } = service("setup").environment;
    for (const [name, value] of Object.entries(own)) {
      const filled = value.replace(/\$\{(\w+):[^}]*\}/g, (_all, secret: keyof typeof secrets) => secrets[secret]);
      const published = filled.replace(/\b(postgres|temporal|s3|textract):(\d+)/, (_all, of: string, port: string) => {
        expect(service(of).ports).toContain(`127.0.0.1:${port}:${port}`);
        return `127.0.0.1:${port}`;
      });
      expect(shown.get(name), name).toBe(published);
    }
  });

  it("the image's health check tells a worker that polls from one that is not there", async () => {
    const [, text = "[]"] = /^HEALTHCHECK [\s\S]*?CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    const [program, ...args] = JSON.parse(text) as string[];
    expect(program).toBe("node");
    const probe = (port: number) =>
      runCommand(process.execPath, args, { ...process.env, DOCKET_HEALTH_PORT: String(port) });
    expect((await probe(documentsPort)).code).toBe(0);
    expect((await probe(await freePort([]))).code).toBe(1);
    const [, , ...own] = service("textract").healthcheck?.test ?? [];
    const asHere = own.map((argument) => argument.replace("4577", String(textractPort)));
    expect((await runCommand(process.execPath, asHere, process.env)).code).toBe(0);
  });
});
