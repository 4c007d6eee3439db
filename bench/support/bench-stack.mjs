import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client, Connection } from "@temporalio/client";
import { PDFDocument } from "pdf-lib";
import pg from "pg";
import { serverPort, startTemporalServer } from "#docket/chaos/temporal-server";
import { attributesAtStart } from "#docket/contract/search-attributes";
import { migrate } from "#docket/database/migrate";
import { startStack } from "#docket/local/stack";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { workerEnvironment, workerFlags } from "#docket/worker/worker-environment";
import { startProcess, stopAll } from "./processes.mjs";

/** Search attributes that a document is started with, as Docket's own clients do. */
export const listedAs = attributesAtStart({ project: "bench", engine: "textract" });

/**
 * A stack in a temporary folder with a Textract that answers at once; everything is stopped and removed by `close`.
 * @param {{ pages?: number, blocks?: number, atWork?: boolean, jobSeconds?: number, ownServer?: boolean }} [options] of the
 * documents that Textract reads; whether its jobs never end, or how long they take; whether Temporal's own server runs, on the same PostgreSQL, instead of the
 * development server
 */
export async function openBench(options = {}) {
  const { pages = 1, blocks = 60, atWork = false, jobSeconds = 0, ownServer = false } = options;
  const folder = await mkdtemp(join(tmpdir(), "docket-bench-"));
  const args = ["bench/support/instant-textract.mjs", "--pages", String(pages), "--blocks", String(blocks)];
  args.push("--job-seconds", String(jobSeconds));
  const textract = await startProcess(process.execPath, atWork ? [...args, "--at-work"] : args, /http:\S+/);
  // Nothing that the caller has configured may be measured, or written to.
  const names = [
    "DATABASE_URL",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "DOCKET_BUCKET",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_TEXTRACT",
  ];
  const configured = { ...process.env };
  for (const name of names) delete configured[name];
  configured["AWS_ENDPOINT_URL_TEXTRACT"] = textract.line;
  const port = ownServer ? await serverPort() : 0;
  if (ownServer) Object.assign(configured, { TEMPORAL_ADDRESS: `127.0.0.1:${port}`, TEMPORAL_NAMESPACE: "bench" });
  const stack = await startStack({ dataDirectory: folder, environment: configured, report: () => {} });
  const environment = { ...workerEnvironment, ...configured, ...stack.environment, DOCKET_LOG_LEVEL: "info" };
  const { DATABASE_URL = "", DOCKET_BUCKET: bucket = "", TEMPORAL_ADDRESS: address = "" } = environment;
  const { TEMPORAL_NAMESPACE: namespace = "default" } = environment;
  Object.assign(process.env, stack.environment);
  const server = ownServer
    ? await startTemporalServer({
        databaseUrl: DATABASE_URL,
        folder: join(folder, "temporal"),
        port,
        say: console.error,
      })
    : null;
  await migrate(DATABASE_URL);
  if (ownServer) await promisify(execFile)(process.execPath, ["dist/cli/docket.js", "setup"], { env: environment });
  const database = new pg.Client({ connectionString: DATABASE_URL });
  // It ends with the stack.
  database.on("error", () => {});
  await database.connect();
  const client = new Client({ connection: await Connection.connect({ address }), namespace });
  const storage = createObjectStorage({ region: "us-east-1", endpoint: environment["AWS_ENDPOINT_URL_S3"] });
  const pids = Object.fromEntries(stack.parts.map(({ name, pid }) => [name, pid ?? 0]));

  const closeAll = async () => {
    await database.end().catch(() => {});
    await client.connection.close();
    storage.close();
    await stopAll();
    await server?.stop();
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  // Once: an interrupted bench fails, and closes again on its way out, while servers are being stopped.
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void close().finally(() => process.exit(1)));
  return {
    ...{ folder, stack, environment, bucket, address, database, client, storage },
    /** Process ids of the servers, by name. */
    servers: {
      Temporal: server?.pid ?? pids["Temporal"] ?? 0,
      PostgreSQL: pids["PostgreSQL"] ?? 0,
      S3: pids["S3"] ?? 0,
    },
    endpoint: textract.line,
    /** Puts a PDF of one page into S3, different from every other by its key. */
    async putDocument(/** @type {string} */ key) {
      const document = await PDFDocument.create();
      document.addPage([595, 842]).drawText(`The only page of the document ${key}.`, { x: 50, y: 780, size: 11 });
      await storage.put(bucket, key, await document.save(), "application/pdf");
      return { bucket, key };
    },
    /** Hands a document in. */
    handIn(/** @type {string} */ key, priority = 3) {
      const args = [{ document: { bucket, key }, project: "bench", priority }];
      const priorityOf = { priority: { priorityKey: priority } };
      const start = { taskQueue: "documents", workflowId: key, args, typedSearchAttributes: listedAs, ...priorityOf };
      return client.workflow.start("processDocument", start);
    },
    /** Documents that are complete. */
    async complete() {
      const { rows } = await database.query("SELECT count(*)::int AS count FROM documents WHERE status = 'complete'");
      return Number(rows[0].count);
    },
    /**
     * A worker, once it polls; its `line` holds the address of its metrics. With `BENCH_PROFILE=FOLDER` it leaves a
     * profile of its processor time there.
     */
    startWorker(
      queues = "documents,textract-submit,textract-results",
      /** @type {Record<string, string>} */ settings = {},
    ) {
      const folder = process.env["BENCH_PROFILE"];
      const profile = folder === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", folder];
      const args = [...workerFlags, ...profile, "dist/cli/docket.js", "worker", "--queues", queues];
      const ready = /http:[^"]+(?=.*worker is polling)/;
      return startProcess(process.execPath, args, ready, { ...environment, ...settings });
    },
    close,
  };
}

/**
 * Does something for each item, some at a time.
 * @template T
 * @param {T[]} items
 * @param {number} together
 * @param {(item: T) => Promise<unknown>} work
 */
export async function inParallel(items, together, work) {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: together }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
