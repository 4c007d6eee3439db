import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentIdFromContent } from "#docket/contract/document-id";
import { createDatabase, type Database } from "#docket/database/client";
import { findTemporal } from "#docket/local/parts/temporal-cli";
import { type EmbeddedPostgres, startPostgres } from "#docket/local/postgres";
import { dataFolder } from "#docket/local/postgres-cluster";
import type { SharedPart } from "#docket/local/shared-part";
import { type Stack, startStack } from "#docket/local/stack";
import { startTemporal } from "#docket/local/temporal";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { bareEnvironment } from "./support/bare-environment.ts";
import { backUp, putBack } from "./support/database-backup.ts";
import { readLedger } from "./support/local-textract.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { docket, documentQueues, type Running, runCommand, startWorker } from "./support/stack.ts";

// What docs/operations.md says under "Backup, restore, moving", on servers of its own, of which one is lost.
const project = "restored";
const bare = bareEnvironment();
const wait = { timeout: 180_000, interval: 200 };

let folder: string;
let postgres: EmbeddedPostgres;
let temporal: SharedPart;
let stack: Stack;
let environment: Record<string, string>;
let database: Database;
let client: Client;
let worker: Running;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-restored-"));
  [postgres, temporal] = await Promise.all([openPostgres(), openTemporal("temporal")]);
  await openStack();
  expect(await run("setup")).toMatchObject({ code: 0 });
  worker = await work();
});
afterAll(async () => {
  await worker?.stop();
  await database?.$disconnect();
  await client?.connection.close();
  await stack?.stop();
  await Promise.all([postgres?.stop(), temporal?.stop()]);
  await rm(await data(), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

const openPostgres = () => startPostgres(join(folder, "postgres"), { environment: bare });
const openTemporal = (name: string) =>
  startTemporal({ directory: join(folder, name), logDirectory: join(folder, "logs"), environment: bare });
const data = () => dataFolder(join(folder, "postgres"));
const work = () => startWorker(`${documentQueues},ocr`, environment);
/** The `docket` command on these servers. */
const run = (...args: string[]) => docket(args, { ...bare, ...environment });

/** S3 and Textract of the folder, with PostgreSQL and Temporal as they are now. */
async function openStack(): Promise<void> {
  const address = `127.0.0.1:${temporal.ports["frontend"]}`;
  stack = await startStack({
    dataDirectory: folder,
    environment: { ...bare, DATABASE_URL: postgres.url, TEMPORAL_ADDRESS: address },
  });
  environment = { ...stack.environment, TEMPORAL_NAMESPACE: "default" };
  database = createDatabase({ url: postgres.url, poolSize: 2 });
  client = new Client({ connection: await Connection.connect({ address }) });
}

/** What was ever handed in, by names. */
const ids: Record<string, string> = {};

/** Stores a document of two pages with a content of its own. */
async function store(key: string): Promise<{ bucket: string; key: string }> {
  const { AWS_ENDPOINT_URL_S3: endpoint, DOCKET_BUCKET: bucket = "" } = environment;
  Object.assign(process.env, stack.environment);
  const storage = createObjectStorage({ region: "us-east-1", endpoint });
  const pdf = await smallPdf(key, 2);
  await storage.put(bucket, `archive/${key}.pdf`, pdf, "application/pdf");
  storage.close();
  ids[key] = documentIdFromContent(project, createHash("sha256").update(pdf).digest("hex"));
  return { bucket, key: `archive/${key}.pdf` };
}

async function handIn(key: string, work: object = {}) {
  const args = [{ document: await store(key), project, customFields: { case: key }, ...work }];
  return client.workflow.start("processDocument", { taskQueue: "documents", workflowId: `my-${key}`, args });
}

const statusOf = async (key: string) =>
  (await database.document.findUnique({ where: { id: ids[key] ?? "" } }))?.status ?? null;
const atTextract = (key: string) =>
  expect
    .poll(() => database.textractJob.count({ where: { documentId: ids[key] ?? "", state: "submitted" } }), wait)
    .toBe(1);

async function slowJob(key: string, milliseconds: number): Promise<void> {
  const body = JSON.stringify([{ kind: "slow-job", key: `archive/${key}.pdf`, milliseconds }]);
  expect((await fetch(`${stack.textractStatus}/faults`, { method: "POST", body })).status).toBe(200);
}

const linesOf = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Starts workflows that the query finds from their beginning, as a person does. */
async function reset(query: string): Promise<void> {
  const { code, stdout, stderr } = await runCommand(await findTemporal({ environment: bare }), [
    ...["workflow", "reset", "--query", query, "--type", "FirstWorkflowTask", "--reason", "database restored", "--yes"],
    ...["--address", environment["TEMPORAL_ADDRESS"] ?? ""],
  ]);
  expect(code, stdout + stderr).toBe(0);
}

describe("a database that was lost and is restored to an earlier time", () => {
  const documents = ["before", "forms", "local", "across", "after", "under-way", "batch/1", "batch/2"];
  let backup: string;
  let time: string;

  async function restore(): Promise<void> {
    await database.$disconnect();
    await postgres.stop();
    await putBack(backup, await data());
    postgres = await openPostgres();
    database = createDatabase({ url: postgres.url, poolSize: 2 });
  }

  /** Waits until every document is complete, with its text, and was paid for once; one is deleted. */
  async function allIsThere(): Promise<void> {
    const statuses = async () =>
      Object.fromEntries(await Promise.all(documents.map(async (key) => [key, await statusOf(key)])));
    await expect.poll(statuses, wait).toEqual(Object.fromEntries(documents.map((key) => [key, "complete"])));
    for (const key of documents) {
      const pages = await database.page.findMany({ where: { documentId: ids[key] ?? "" }, orderBy: { number: "asc" } });
      const text = [1, 2].map((page) => `This is page ${page} of the document that is called ${key}.`);
      expect(pages.map((page) => page.text)).toEqual(text);
    }
    // The local one cost nothing, the deleted one did.
    const jobs = await readLedger(stack.textractStatus ?? "");
    expect(jobs.map(({ billedPages }) => billedPages)).toEqual(Array(documents.length).fill(2));
  }

  /** What must stay as it is of a document that was complete. */
  const kept = (keys: string[]) =>
    database.document.findMany({
      where: { id: { in: keys.map((key) => ids[key] ?? "") } },
      select: {
        ...{ id: true, status: true, engine: true, features: true, runId: true, finishedAt: true },
        metadata: { select: { source: true, fileName: true, customFields: true } },
      },
      orderBy: { id: "asc" },
    });

  /** Everything anew but PostgreSQL and the folder: a Temporal that knows nothing. */
  async function loseTemporal(name: string, meanwhile: () => Promise<void>): Promise<void> {
    await Promise.all([worker.stop(), client.connection.close(), stack.stop()]);
    await temporal.stop();
    await meanwhile();
    temporal = await openTemporal(name);
    await openStack();
    expect(await run("setup")).toMatchObject({ code: 0 });
    worker = await work();
  }

  it("has everything again when the workflows are reset as the runbook says, and nothing is paid twice", async () => {
    await (await handIn("before")).result();
    await (await handIn("forms", { features: ["FORMS"] })).result();
    await (await handIn("local", { engine: "local" })).result();
    await (await handIn("deleted")).result();
    await slowJob("across", 15_000);
    await slowJob("batch/1", 15_000);
    for (const key of ["batch/1", "batch/2"]) await store(key);
    const source = { bucket: environment["DOCKET_BUCKET"] ?? "", prefix: "archive/batch/" };
    const args = [{ source, project, window: 1 }];
    const batch = await client.workflow.start("processBatch", { taskQueue: "documents", workflowId: "my-batch", args });
    const across = await handIn("across");
    await Promise.all([atTextract("across"), atTextract("batch/1")]);
    backup = join(folder, "backup");
    await backUp(postgres.url, await data(), backup);
    time = new Date().toISOString();

    await (await handIn("after")).result();
    const documentIds = [ids["deleted"]];
    const deletion = {
      taskQueue: "documents",
      workflowId: "my-deletion",
      args: [{ documentIds, requestedBy: "test" }],
    };
    expect(await client.workflow.execute("deleteDocuments", deletion)).toMatchObject({ deleted: 1 });
    await Promise.all([across.result(), batch.result()]);
    await slowJob("under-way", 6000);
    await handIn("under-way");
    await atTextract("under-way");

    // The workers are at work all the while, as where a provider restores.
    await restore();
    const lost = ["after", "under-way", "batch/2"];
    expect(await Promise.all(lost.map(statusOf))).toEqual([null, null, null]);
    expect(await Promise.all(["across", "batch/1"].map(statusOf))).toEqual(["processing", "processing"]);

    await reset(
      'WorkflowType IN ("processDocument", "processBatch") AND (ExecutionStatus = "Running" OR ' +
        `(ExecutionStatus IN ("Completed", "Failed") AND CloseTime > "${time}"))`,
    );
    await allIsThere();
    expect(await statusOf("deleted")).toBe("complete");
    await reset(`WorkflowType = "deleteDocuments" AND ExecutionStatus = "Completed" AND CloseTime > "${time}"`);
    await expect.poll(() => statusOf("deleted"), wait).toBe(null);
    await expect.poll(() => database.batch.findMany(), wait).toMatchObject([{ state: "finished" }]);
    const { customFields } = await database.documentMetadata.findUniqueOrThrow({
      where: { documentId: ids["after"] ?? "" },
    });
    expect(customFields).toEqual({ case: "after" });
  });

  it("has everything again when Temporal is lost with it, what was open and what the backup has not, each as it was", async () => {
    await loseTemporal("temporal-anew", restore);
    const complete = await kept(["before", "forms", "local"]);
    const redriven = await run("redrive", "--lost", "--json");
    expect(redriven, redriven.stderr).toMatchObject({ code: 0 });
    expect(linesOf(redriven.stdout).map(({ documentId }) => documentId)).toEqual(
      [ids["across"], ids["batch/1"]].toSorted(),
    );
    const { id: batch } = await database.batch.findFirstOrThrow();
    expect((await run("batch", "show", batch)).stderr).toContain("Nobody works on batch");
    expect(await run("batch", "resume", batch.slice(0, 8))).toMatchObject({ code: 0 });
    await expect.poll(() => database.batch.findMany(), wait).toMatchObject([{ state: "finished" }]);
    // The first is complete before its batch goes on, or while it does.
    const { complete: read, reused } = await database.batch.findFirstOrThrow();
    expect(read + reused).toBe(2);

    const bucket = environment["DOCKET_BUCKET"];
    const known = linesOf((await run("status", "--json")).stdout).map(({ location }) => location);
    const objects = Object.keys(ids).map((key) => `s3://${bucket}/archive/${key}.pdf`);
    const rest = objects.filter((object) => !known.includes(object));
    expect(rest).toEqual(["after", "under-way"].map((key) => `s3://${bucket}/archive/${key}.pdf`));
    const manifest = join(folder, "rest.jsonl");
    await writeFile(manifest, rest.map((key) => `${JSON.stringify({ key })}\n`).join(""));
    const { code, stdout, stderr } = await run("batch", manifest, "--project", project);
    expect(code, stdout + stderr).toBe(0);
    await allIsThere();
    expect(await kept(["before", "forms", "local"])).toEqual(complete);
    expect(await kept(["across"])).toMatchObject([{ metadata: { customFields: { case: "across" } } }]);
    const reconciled = await run("ledger", "--reconcile");
    expect(reconciled, reconciled.stdout).toMatchObject({ code: 0 });
  });

  it("is not needed when Temporal alone is lost: what is open ends as it was meant, and nothing complete is touched", async () => {
    await slowJob("open", 15_000);
    const source = "scanner 3";
    await handIn("open", {
      features: ["TABLES"],
      queries: [{ text: "What is it called?" }],
      source,
      fileName: "it.pdf",
    });
    await atTextract("open");
    const complete = await kept(documents);
    await loseTemporal("temporal-alone", () => database.$disconnect());

    const status = await run("status", ids["open"] ?? "");
    expect(status.stderr).toContain(`redrive --lost ${ids["open"]}`);
    const told = await run("redrive", "--lost", "--dry-run");
    expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining("1 document would be started") });
    expect(told.stdout).toMatch(/it\.pdf {2}lost {2}free: result .* at Textract; billed: nothing/);
    const redriven = await run("redrive", "--lost");
    expect(redriven).toMatchObject({ code: 0, stderr: expect.stringContaining("1 document started") });
    await expect.poll(() => statusOf("open"), wait).toBe("complete");
    expect(await kept(["open"])).toMatchObject([
      {
        ...{ engine: "textract", features: ["QUERIES", "QUERY What is it called?", "TABLES"] },
        metadata: { source, fileName: "it.pdf", customFields: { case: "open" } },
      },
    ]);
    expect(await kept(documents)).toEqual(complete);
    expect(await readLedger(stack.textractStatus ?? "")).toHaveLength(documents.length + 1);
    const again = await run("redrive", "--lost");
    expect(again.stderr).toContain("Nothing is to be started again");
  });
});
