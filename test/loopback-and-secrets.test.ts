import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { PDFDocument } from "pdf-lib";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnvironment } from "./support/bare-environment.ts";
import { listeningSockets, processesNaming } from "./support/listening-sockets.ts";
import { readable } from "./support/readable.ts";
import { docket } from "./support/stack.ts";

// A whole `docket up` of its own: who can reach it, and what it writes down. Its documents hold words that are found
// nowhere else, so that each place where text must not be can be searched for them.

const canaries = { text: "Quokkafern", damaged: "Zirbelmond", wrongType: "Krummhornfisch" };
let folder: string;
let dataDirectory: string;
let up: ReturnType<typeof spawn>;
let output = "";
let environment: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-secrets-"));
  dataDirectory = join(folder, "data");
  up = spawn(process.execPath, ["dist/cli/docket.js", "up", "--data-directory", dataDirectory], {
    env: bareEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const isUp = new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      output += chunk;
      if (/For other programs/.test(output)) resolve();
    };
    up.stdout?.on("data", look);
    up.stderr?.on("data", look);
    up.once("exit", () => reject(new Error(`docket up ended: ${output}`)));
  });
  await isUp;
  environment = JSON.parse(await readFile(join(dataDirectory, "stack.json"), "utf8")).environment;
});
afterAll(async () => {
  if (up.exitCode === null) {
    const ended = once(up, "exit");
    up.kill("SIGTERM");
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
});

const command = (...args: string[]) => docket([...args, "--data-directory", dataDirectory], bareEnvironment());

it("shows how other programs find the stack, and no secret; `docket env` is what a shell evaluates", async () => {
  expect(output).toContain('env)"');
  expect(output).not.toContain("…'");
  const { stdout } = await command("env");
  expect(stdout).toMatch(/^export AWS_REGION='us-east-1'\nexport AWS_DEFAULT_REGION='us-east-1'$/m);
  expect((await stat(join(dataDirectory, "stack.json"))).mode & 0o077).toBe(0);
});

describe.skipIf(process.platform !== "linux")("every socket that the stack listens on", () => {
  it("is on loopback: PostgreSQL, Temporal and its Web UI, S3, Textract, health and metrics of the workers", async () => {
    const processes = await processesNaming(dataDirectory, [up.pid ?? 0]);
    const sockets = await listeningSockets(processes);
    expect(sockets.filter(({ address }) => !/^(127\.|::1$|::ffff:127\.)/.test(address))).toEqual([]);

    const named = [new URL(environment["DATABASE_URL"] ?? ""), new URL(`http://${environment["TEMPORAL_ADDRESS"]}`)];
    for (const name of ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_TEXTRACT"])
      named.push(new URL(environment[name] ?? ""));
    const ports = sockets.map(({ port }) => port);
    for (const { port } of named) expect(ports).toContain(Number(port));
    // And those of the workers: documents and results in one, recognition in another.
    await expect.poll(async () => (await metricsOf(ports)).length).toBeGreaterThanOrEqual(2);
  });
});

/** The metrics of every listener that has any. */
async function metricsOf(ports: number[]): Promise<string[]> {
  const asked = ports.map(async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(15_000) }).catch(
      () => null,
    );
    return answer?.ok ? await answer.text().catch(() => "") : "";
  });
  return (await Promise.all(asked)).filter((text) => text.includes("docket_worker_up"));
}

describe("no credentials and no text of a document", () => {
  let secrets: string[];
  let results: { file: string; status: string; documentId: string | null }[];

  beforeAll(async () => {
    const pdf = await PDFDocument.create();
    pdf.addPage().drawText(`The ${canaries.text} is written on this page`, { x: 40, y: 400 });
    const bytes = await pdf.save();
    await writeFile(join(folder, "good.pdf"), bytes);
    await writeFile(join(folder, "local.pdf"), Buffer.concat([bytes, Buffer.from("\n% another content\n")]));
    await writeFile(join(folder, "damaged.pdf"), `%PDF-1.7\n1 0 obj\n(${canaries.damaged})\n<< /Type /Catalog`);
    await writeFile(join(folder, "wrong-type.pdf"), `${canaries.wrongType} is no PDF`);
    const files = ["good.pdf", "damaged.pdf", "wrong-type.pdf"].map((name) => join(folder, name));
    const byTextract = await command("submit", "--wait", "--json", ...files);
    const locally = await command("submit", "--wait", "--json", "--engine", "local", join(folder, "local.pdf"));
    results = `${byTextract.stdout}${locally.stdout}`
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    secrets = [environment["AWS_SECRET_ACCESS_KEY"] ?? "", new URL(environment["DATABASE_URL"] ?? "").password];
    for (const secret of secrets) expect(secret.length).toBeGreaterThanOrEqual(16);
  });

  /** The words that must not be in a text. */
  const found = (text: string) => [...Object.values(canaries), ...secrets].filter((word) => text.includes(word));

  it("the documents went through: two complete, two failed, and their text is where it belongs", async () => {
    const statuses = Object.fromEntries(results.map(({ file, status }) => [file.split("/").at(-1), status]));
    expect(statuses).toEqual({
      "good.pdf": "complete",
      "local.pdf": "complete",
      "damaged.pdf": "failed",
      "wrong-type.pdf": "failed",
    });
    const { stdout } = await command("text", results[0]?.documentId ?? "");
    const { stdout: other } = await command(
      "text",
      results.find(({ file }) => file.endsWith("local.pdf"))?.documentId ?? "",
    );
    expect(`${stdout}${other}`).toContain(canaries.text);
    expect(found(other)).toEqual([canaries.text]);
  });

  it("is in the logs of workers and servers, or in what the command prints", async () => {
    const entries = await readdir(dataDirectory, { recursive: true });
    const logs = entries.filter((entry) => entry.endsWith(".log"));
    expect(logs.filter((entry) => entry.includes("worker")).length).toBeGreaterThanOrEqual(2);
    for (const log of logs) expect(found(await readFile(join(dataDirectory, log), "utf8")), log).toEqual([]);
    expect(found(output)).toEqual([]);
    for (const args of [
      ["status", "--json"],
      ["doctor", "--json"],
    ]) {
      const { stdout, stderr } = await command(...args);
      expect(found(stdout + stderr), args.join(" ")).toEqual([]);
    }
  });

  it("is in a Temporal history", async () => {
    const connection = await Connection.connect({ address: environment["TEMPORAL_ADDRESS"] ?? "" });
    try {
      const client = new Client({ connection });
      const histories: string[] = [];
      for await (const { workflowId, runId } of client.workflow.list()) {
        const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        const text = readable(history);
        histories.push(text);
        expect(found(text), workflowId).toEqual([]);
      }
      expect(histories.length).toBeGreaterThanOrEqual(4);
      // What is in a payload would be found.
      expect(histories.some((text) => text.includes("damaged.pdf"))).toBe(true);
    } finally {
      await connection.close();
    }
  });

  it.skipIf(process.platform !== "linux")("is in the metrics", async () => {
    const sockets = await listeningSockets(await processesNaming(dataDirectory, [up.pid ?? 0]));
    const ports = sockets.map(({ port }) => port);
    // Of the workers for documents and for recognition.
    await expect.poll(async () => (await metricsOf(ports)).length).toBeGreaterThanOrEqual(2);
    for (const metrics of await metricsOf(ports)) expect(found(metrics)).toEqual([]);
  });

  it("is in a table but that of the pages: failures, events, metadata, ledger, breakers", async () => {
    const database = new pg.Client({ connectionString: environment["DATABASE_URL"] });
    await database.connect();
    try {
      const { rows: tables } = await database.query<{ name: string }>(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
      );
      const holding = new Map<string, string[]>();
      for (const { name } of tables) {
        const { rows } = await database.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`);
        const words = found(rows.map(({ row }) => row).join("\n"));
        if (words.length > 0) holding.set(name, words);
      }
      expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["documents", "document_events", "pages"]));
      expect(Object.fromEntries(holding)).toEqual({ pages: [canaries.text] });
    } finally {
      await database.end();
    }
  });
});
