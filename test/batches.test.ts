import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { createAdvanceBatch } from "#docket/activities/advance-batch";
import { askTemporal } from "#docket/activities/ask-temporal";
import { openBatch, readBatch, updateBatch } from "#docket/client/batches";
import { connectServices } from "#docket/client/connect";
import { fillBatch } from "#docket/client/fill-batch";
import { hashContent } from "#docket/client/hash-file";
import { readManifest } from "#docket/client/read-manifest";
import { ServiceWait } from "#docket/client/service-wait";
import { documentIdFromContent } from "#docket/contract/document-id";
import { settleItem } from "#docket/database/batch-item-ends";
import { claimItems, confirmClaim, identifyItem } from "#docket/database/batch-item-turns";
import { addItems, type NewItem } from "#docket/database/batch-items";
import { closeBatch, createBatch } from "#docket/database/batches";
import { noCounts } from "#docket/workflows/batch-story";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, docket, startWorker } from "./support/stack.ts";

let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Awaited<ReturnType<typeof startWorker>>;
let folder: string;
beforeAll(async () => {
  stack = await connectStack();
  worker = await startWorker();
  folder = await mkdtemp(join(tmpdir(), "docket-batches-"));
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

async function uploadMany(count: number): Promise<{ bucket: string; prefix: string }> {
  const prefix = `batch-${randomUUID()}/`;
  for (let index = 0; index < count; index++) {
    const key = `${prefix}${String(index).padStart(4, "0")}.pdf`;
    await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  }
  return { bucket: stack.bucket, prefix };
}

function startBatch(input: { batchId?: string; [field: string]: unknown }) {
  const { batchId = randomUUID() } = input;
  return stack.client.workflow.start("processBatch", {
    taskQueue: "documents",
    workflowId: `batch/${batchId}`,
    args: [{ batchId, ...input }],
    workflowTaskTimeout: "5 seconds",
  });
}

async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function runLengths(workflowId: string): Promise<number[]> {
  const lengths: number[] = [];
  for await (const run of stack.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    lengths.push(run.historyLength ?? 0);
  }
  return lengths;
}

it("an S3 prefix goes through a small window, in short runs; a second batch finds everything complete", async () => {
  const source = await uploadMany(12);
  await stack.storage.put(stack.bucket, `${source.prefix}notes.txt`, "no document", "text/plain");
  const handle = await startBatch({ source, project: "by-prefix", window: 4 });
  expect(await handle.result()).toMatchObject({
    state: "finished",
    counts: { total: 12, listed: true, complete: 12, failed: 0 },
  });
  const lengths = await runLengths(handle.workflowId);
  expect(lengths.length).toBeGreaterThanOrEqual(3);
  expect(Math.max(...lengths)).toBeLessThan(100);

  const again = await startBatch({ source, project: "by-prefix" });
  expect(await again.result()).toMatchObject({ counts: { total: 12, reused: 12, complete: 0 } });
});

it("a worker that is killed in mid-batch: another one goes on, every document is complete and paid once", async () => {
  const source = await uploadMany(10);
  const handle = await startBatch({ source, project: "killed-batch", window: 3 });
  await until(
    () => stack.database.document.count({ where: { project: { slug: "killed-batch" }, status: "complete" } }),
    (complete) => complete >= 2,
  );
  const dead = new Promise((resolve) => worker.child.once("exit", resolve));
  worker.child.kill("SIGKILL");
  await dead;
  const complete = { project: { slug: "killed-batch" }, status: "complete" as const };
  expect(await stack.database.document.count({ where: complete })).toBeLessThan(10);
  worker = await startWorker();
  expect(await handle.result()).toMatchObject({ counts: { total: 10, complete: 10 } });
  expect(await stack.database.textractJob.count({ where: { document: { project: { slug: "killed-batch" } } } })).toBe(
    10,
  );
});

it("pause, window, resume, cancel: documents under way go on, no others are started", async () => {
  const source = await uploadMany(12);
  const handle = await startBatch({ source, project: "paused", window: 2 });
  const count = () => stack.database.document.count({ where: { project: { slug: "paused" } } });
  await until(count, (known) => known >= 2);
  expect(await handle.executeUpdate("pause")).toMatchObject({ state: "paused" });
  await until(
    () => stack.database.document.count({ where: { project: { slug: "paused" }, status: "processing" } }),
    (underWay) => underWay === 0,
  );
  await until(
    () => readBatch(stack.database, handle.workflowId.slice(6)),
    // A child that has begun may have no record yet.
    ({ state, counts }) => state === "paused" && counts.complete >= 2 && counts.underWay === 0,
  );
  const known = await count();
  expect(known).toBeLessThan(12);
  await expect(handle.executeUpdate("setWindow", { args: [0] })).rejects.toThrow();
  expect(await handle.executeUpdate("setWindow", { args: [3] })).toMatchObject({ window: 3, state: "paused" });
  expect(await handle.executeUpdate("setPriority", { args: [1] })).toMatchObject({ priority: 1 });
  expect(await count()).toBe(known);
  await handle.executeUpdate("resume");
  await until(count, (now) => now > known);
  await handle.executeUpdate("cancel");
  const result = await handle.result();
  expect(result.state).toBe("cancelled");
  expect(result.counts.waiting).toBe(0);
  expect(result.counts.cancelled).toBeGreaterThan(0);
  // Children outlive their batch.
  await until(
    () => stack.database.document.groupBy({ by: ["status"], where: { project: { slug: "paused" } } }),
    (states) => states.every(({ status }) => status === "complete"),
  );
});

it("what is wrong with a document ends that document only; the same content is one document", async () => {
  const prefix = `batch-${randomUUID()}/`;
  await stack.storage.put(stack.bucket, `${prefix}broken.pdf`, "%PDF-1.7 not really", "application/pdf");
  for (const name of ["one", "two"]) {
    await stack.storage.put(stack.bucket, `${prefix}${name}.pdf`, await smallPdf(prefix), "application/pdf");
  }
  const handle = await startBatch({ source: { bucket: stack.bucket, prefix }, project: "mixed" });
  const { counts } = await handle.result();
  expect(counts).toMatchObject({ total: 3, failed: 1, incomplete: 0 });
  expect(counts.complete + counts.reused).toBe(2);
  expect(await stack.database.textractJob.count({ where: { document: { project: { slug: "mixed" } } } })).toBe(1);
});

it("a wrong input fails the batch with its reason", async () => {
  await expect((await startBatch({ source: { bucket: "b", prefix: "" } })).result()).rejects.toMatchObject({
    cause: { type: "InvalidInput", message: expect.stringContaining("source.bucket") },
  });
  await expect((await startBatch({})).result()).rejects.toMatchObject({ cause: { type: "InvalidInput" } });
});

it("a manifest: bad rows are told with their lines, the others are handed in; --strict starts nothing", async () => {
  const object = await uploadMany(1);
  await writeFile(join(folder, "a.pdf"), await smallPdf(`manifest ${folder}`));
  const manifest = join(folder, "manifest.csv");
  const lines = [
    "file,key,project,priority,custodian,",
    "a.pdf,,manifest,1,Ms Miller,",
    ",,manifest,2,nobody,",
    `,${object.prefix}0000.pdf,manifest,,,`,
    "a.pdf,,Not A Project,,,",
    // As pandas numbers its rows.
    "a.pdf,,manifest,,,5",
  ];
  await writeFile(manifest, `${lines.join("\n")}\n`);
  const strict = await docket(["batch", manifest, "--strict"]);
  expect(strict.code).toBe(1);
  expect(strict.stderr).toMatch(/line 3 the row must name either a file or a key/);
  expect(strict.stderr).toMatch(/line 5 project must be lower-case/);
  expect(strict.stderr).toMatch(/line 6 has a value in a column without a name/);
  expect(await stack.database.batch.count({ where: { source: manifest } })).toBe(0);

  const { code, stdout } = await docket(["batch", manifest, "--json"]);
  expect(code).toBe(2);
  const batch = JSON.parse(stdout);
  expect(batch.counts).toMatchObject({ total: 2, complete: 2, listed: true });
  const [row] = await stack.database.documentMetadata.findMany({ where: { source: join(folder, "a.pdf") } });
  expect(row?.customFields).toEqual({ custodian: "Ms Miller" });
  expect((await docket(["batch", "show", batch.id.slice(0, 8)])).stdout).toContain("2 of 2 ended: 2 complete");
});

it("--strict starts nothing either where a file that a row names cannot be read; without it the others are handed in", async () => {
  await writeFile(join(folder, "b.pdf"), await smallPdf(`strict ${folder}`));
  execFileSync("mkfifo", [join(folder, "pipe.pdf")]);
  await writeFile(join(folder, "notes.txt"), "whatever else a list may name");
  const names = ["b.pdf", "gone.pdf", "pipe.pdf", "notes.txt"];
  const manifest = join(folder, "unreadable.csv");
  await writeFile(manifest, `file,project\n${names.map((name) => `${name},unreadable\n`).join("")}`);
  const strict = await docket(["batch", manifest, "--strict"]);
  expect(strict.code).toBe(1);
  expect(strict.stderr).toMatch(/^refused: \S+ line 3: \S+gone\.pdf: no such file or folder$/m);
  expect(strict.stderr).toMatch(/^refused: \S+ line 4: \S+pipe\.pdf is not a regular file\.$/m);
  expect(strict.stderr).toMatch(/^refused: \S+ line 5: \S+notes\.txt: notes\.txt is no PDF/m);
  const dry = await docket(["batch", manifest, "--dry-run"]);
  expect(dry.code).toBe(2);
  expect(dry.stdout).toMatch(/FileUnreadable: \S+gone\.pdf: no such .*\n.*\n +FileUnreadable: \S+pipe\.pdf is not/);
  expect(await stack.database.batch.count({ where: { source: manifest } })).toBe(0);

  const { code, stdout, stderr } = await docket(["batch", manifest, "--detach"]);
  expect(code).toBe(2);
  expect(stderr.match(/^refused: /gm)).toHaveLength(3);
  expect(await stack.database.batchItem.count({ where: { batchId: stdout.trim() } })).toBe(1);
  const uploaded = (await stack.storage.list(stack.bucket, "documents/unreadable/", null)).objects;
  expect(uploaded).toHaveLength(1);
});

it("a manifest that is not there leaves no batch; a dry run counts a file once for each project that it is meant for", async () => {
  const missing = join(folder, "missing.csv");
  expect(await docket(["batch", missing])).toMatchObject({ code: 1, stderr: expect.stringMatching(/missing\.csv/) });
  expect(await stack.database.batch.count({ where: { source: missing } })).toBe(0);

  await writeFile(join(folder, "c.pdf"), await smallPdf(`two projects ${folder}`));
  const manifest = join(folder, "two-projects.csv");
  await writeFile(manifest, "file,project\nc.pdf,one-project\nc.pdf,other-project\nc.pdf,other-project\n");
  const { code, stderr } = await docket(["batch", manifest, "--dry-run"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/2 documents to read, 3 pages in all: \$0\.003\S*; 1 already there/);
});

it("lines of a manifest: a byte order mark is none of it, and one without an end is not kept", async () => {
  const manifest = join(folder, "lines.jsonl");
  const separator = "\u2028";
  const lines = [
    `\uFEFF{"key": "a.pdf", "note": "one${separator}row"}\r`,
    `{"key": "b.pdf", "note": "${"x".repeat(3 * 1024 * 1024)}"}`,
    "",
    "not JSON",
    `{"key": "c.pdf", "${"n".repeat(300)}": "x"}`,
    `{"key": "${"d".repeat(1025)}"}`,
    '{"key": "e.pdf"}',
  ];
  await writeFile(manifest, lines.join("\n"));
  const rows: unknown[] = [];
  for await (const row of readManifest(manifest, "bucket")) rows.push(row);
  expect(rows).toEqual([
    { line: 1, path: null, object: { bucket: "bucket", key: "a.pdf" }, customFields: { note: `one${separator}row` } },
    { line: 2, problem: "is longer than 1048576 characters" },
    { line: 4, problem: "is not JSON" },
    { line: 5, problem: expect.stringMatching(/^n+ has a name that is not allowed$/) },
    { line: 6, problem: "key names no S3 object" },
    { line: 7, path: null, object: { bucket: "bucket", key: "e.pdf" }, customFields: {} },
  ]);
});

/** A batch of one's own whose items are there already, as `docket batch` makes it. */
async function makeBatch(
  project: string,
  items: NewItem[],
  prefix: { bucket: string; prefix: string } | null = null,
): Promise<string> {
  const id = randomUUID();
  const settings = { project, engine: "textract" as const, features: [], force: false, priority: 3, window: 10 };
  await createBatch(stack.database, { id, source: `made of rows ${id}`, ...settings, prefix, onlyNew: false });
  await addItems(stack.database, id, items);
  return id;
}

const runningCount = async (batchId: string) => {
  const query = `WorkflowType = "processBatch" AND ExecutionStatus = "Running" AND DocketBatch = "${batchId}"`;
  return (await stack.client.workflow.count(query)).count;
};

it("a batch that fails ends in the database too, with its cause, and whoever follows it is told", async () => {
  const bucket = `docket-missing-${randomUUID()}`;
  const { code, stdout } = await docket(["batch", `s3://${bucket}/x/`, "--json"]);
  expect(code).toBe(2);
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({ state: "cancelled", failure: { type: "BucketMissing", remedy: expect.any(String) } });
  expect(told.failure.message).toContain(bucket);
  expect((await docket(["batch", "show", told.id])).stdout).toMatch(/failure +BucketMissing: .*\nremedy /);
  await expect(stack.client.workflow.getHandle(`batch/${told.id}`).result()).rejects.toMatchObject({
    cause: { type: "BucketMissing" },
  });

  // A sweep that failed before it had anything is kept, to be seen.
  const handle = await startBatch({ source: { bucket, prefix: "y/" }, project: "lost-bucket", onlyNew: true });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: "BucketMissing" } });
  const row = await stack.database.batch.findUniqueOrThrow({ where: { id: handle.workflowId.slice(6) } });
  expect(row).toMatchObject({ state: "cancelled", failureType: "BucketMissing", finishedAt: expect.any(Date) });
});

it("a sweep leaves out what waits in a batch under way, and hands in what waits in one that nobody works on", async () => {
  const source = await uploadMany(2);
  const { objects } = await stack.storage.list(source.bucket, source.prefix, null);
  const items = objects.map(({ key, etag }) => ({ bucket: source.bucket, key, etag }));
  const sweep = async () =>
    (await startBatch({ source, project: "swept", onlyNew: true })).result().then(({ counts }) => counts);

  const waiting = await makeBatch("swept", items);
  await stack.database.batch.update({ where: { id: waiting }, data: { state: "paused" } });
  const handle = await stack.client.workflow.start("processBatch", {
    taskQueue: "documents",
    workflowId: `batch/${waiting}`,
    args: [{ batchId: waiting, project: "swept" }],
  });
  await until(
    () => runningCount(waiting),
    (count) => count > 0,
  );
  expect(await sweep()).toMatchObject({ total: 0 });

  await handle.terminate("because of the test");
  await until(
    () => runningCount(waiting),
    (count) => count === 0,
  );
  expect(await sweep()).toMatchObject({ total: 2, complete: 2 });
  expect(await sweep()).toMatchObject({ total: 0 });
  await stack.database.batch.delete({ where: { id: waiting } });
});

it("a batch whose workflow is terminated ends for whoever follows it", async () => {
  await worker.stop();
  const source = await uploadMany(1);
  const address = `s3://${source.bucket}/${source.prefix}`;
  const following = docket(["batch", address, "--json"]);
  const [row] = await until(
    () => stack.database.batch.findMany({ where: { source: address } }),
    (rows) => rows.length > 0,
  );
  const handle = stack.client.workflow.getHandle(`batch/${row?.id}`);
  await until(
    () => handle.terminate("because of the test").catch(() => null),
    (answer) => answer !== null,
  );
  const { code, stdout } = await following;
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    state: "cancelled",
    failure: { message: expect.stringMatching(/terminated/) },
  });
  worker = await startWorker();
});

it("a document without a row is asked about: no answer of Temporal ends no batch, and a later run is not waited for", async () => {
  const documentId = randomUUID();
  const batchId = await makeBatch("asked", [{ bucket: stack.bucket, key: `asked/${documentId}.pdf` }]);
  const [item] = await stack.database.batchItem.findMany({ where: { batchId } });
  const id = item?.id ?? "";
  await identifyItem(stack.database, id, { documentId, sha256: null, etag: null, version: null });
  await claimItems(stack.database, [id], "a claim");
  await confirmClaim(stack.database, batchId, { started: "a claim", current: "" });
  const doubt = () =>
    stack.database.batchItem.update({ where: { id }, data: { askedAt: null, startedAt: new Date(0) } });
  const stateOf = async () => {
    const { state, failureType } = await stack.database.batchItem.findUniqueOrThrow({ where: { id } });
    return { state, failureType };
  };

  await doubt();
  const nobody = Connection.lazy({ address: "127.0.0.1:1" });
  await expect(askTemporal(stack.database, new Client({ connection: nobody }), batchId)).rejects.toMatchObject({
    type: "TemporalUnavailable",
  });
  await nobody.close();
  expect(await stateOf()).toEqual({ state: "started", failureType: null });

  // Its workflow ended refused; between the two questions about it somebody starts it again, and it stays open.
  const start = (taskQueue: string, args: unknown[]) =>
    stack.client.workflow.start("processDocument", { taskQueue, workflowId: `document/${documentId}`, args });
  await expect((await start("documents", [{}])).result()).rejects.toMatchObject({ cause: { type: "InvalidInput" } });
  await doubt();
  const connection = await Connection.connect({ address: inject("environment")["TEMPORAL_ADDRESS"] ?? "" });
  const client = new Client({
    connection,
    interceptors: {
      workflow: [
        {
          async describe(input, next) {
            const description = await next(input);
            await start("a queue without a worker", [{}]);
            return description;
          },
        },
      ],
    },
  });
  await askTemporal(stack.database, client, batchId);
  expect(await stateOf()).toEqual({ state: "failed", failureType: "InvalidInput" });
  await connection.close();
  await stack.client.workflow.getHandle(`document/${documentId}`).terminate("the test is over");
  await stack.database.batch.delete({ where: { id: batchId } });
});

it("an item follows none that was never started, and none of which Temporal knows nothing any more", async () => {
  const project = "followed";
  const content = (key: string) => ({ bucket: stack.bucket, key });
  const keys = [0, 1].map(() => `followed-${randomUUID()}.pdf`);
  for (const key of keys) await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const [refused = "", forgotten = ""] = keys;
  const batchId = await makeBatch(project, [
    // Refused as it stands: no custom field is without a name.
    { ...content(refused), customFields: { "": "0" }, reference: "refused" },
    { ...content(refused), reference: "good" },
    { ...content(forgotten), reference: "ended" },
    { ...content(forgotten), reference: "follows" },
  ]);
  // Ended long ago; since then its document was deleted, and Temporal has forgotten its workflow.
  const { sha256 } = await hashContent(await stack.storage.openStream(content(forgotten)));
  const documentId = documentIdFromContent(project, sha256);
  const ended = await stack.database.batchItem.findFirstOrThrow({
    where: { batchId, key: forgotten },
    orderBy: { position: "asc" },
  });
  await identifyItem(stack.database, ended.id, { documentId, sha256, etag: null, version: null });
  await claimItems(stack.database, [ended.id], "a claim");
  await settleItem(stack.database, batchId, ended.id, "complete");
  await stack.database.batchItem.update({ where: { id: ended.id }, data: { startedAt: new Date(0) } });
  await closeBatch(stack.database, batchId);

  const handle = await startBatch({ batchId, project });
  expect(await handle.result()).toMatchObject({
    counts: { total: 4, failed: 1, complete: 3, waiting: 0, underWay: 0 },
  });
});

it("one look goes on with the pages of a prefix that hold nothing to start", async () => {
  const prefix = `batch-${randomUUID()}/`;
  for (const name of ["a.txt", "b.txt", "c.txt"]) {
    await stack.storage.put(stack.bucket, `${prefix}${name}`, "no document", "text/plain");
  }
  // An object a page, as a bucket of many has a thousand.
  const list: typeof stack.storage.list = async (...request) => {
    const { objects, more } = await stack.storage.list(...request);
    return { objects: objects.slice(0, 1), more: more || objects.length > 1 };
  };
  const source = { bucket: stack.bucket, prefix };
  const batchId = await makeBatch("listed", [], source);
  const advance = createAdvanceBatch({ database: stack.database, storage: { ...stack.storage, list } });
  const request = { batchId, settings: { window: 10, priority: 3, paused: false }, started: null, known: noCounts };
  expect(await asRun(newRun("batch"), () => advance(request), stack.client)).toMatchObject({
    done: true,
    counts: { listed: true, total: 0 },
  });
  await stack.database.batch.delete({ where: { id: batchId } });
});

it("an attempt that was taken for dead takes nothing from the next one, and nothing that it claims counts as started", async () => {
  const keys = ["one", "two"].map((name) => ({ bucket: stack.bucket, key: `late-attempt/${name}.pdf` }));
  const batchId = await makeBatch("late-attempt", keys);
  const items = () => stack.database.batchItem.findMany({ where: { batchId }, orderBy: { position: "asc" } });
  const states = async () => (await items()).map(({ state }) => state);
  const [one = "", two = ""] = (await items()).map(({ id }) => id);
  const call = `${randomUUID()}/7`;
  const begin = (current: string, started: string | null = null) =>
    confirmClaim(stack.database, batchId, { started, current });

  await claimItems(stack.database, [one], `${call}/1`);
  await begin(`${call}/2`);
  expect(await states()).toEqual(["waiting", "waiting"]);
  await claimItems(stack.database, [one], `${call}/2`);
  await begin(`${call}/1`);
  expect(await states()).toEqual(["claimed", "waiting"]);
  await claimItems(stack.database, [two], `${call}/1`);
  await begin(`${randomUUID()}/1/1`, `${call}/2`);
  expect(await states()).toEqual(["started", "waiting"]);
  await stack.database.batch.delete({ where: { id: batchId } });
});

it("two hand-ins of one source at a time, and a file that changes between two: every content is read", async () => {
  const services = await connectServices(process.env);
  const wait = new ServiceWait({ services: services.config, limitMilliseconds: 30_000 });
  const project = "overlapping";
  const source = join(folder, "overlapping");
  const settings = { project, engine: "textract" as const, features: [], force: false, priority: 3, window: 10 };
  const open = async () => (await openBatch(services, source, settings)).batchId;
  const fill = (batchId: string, names: string[]) =>
    fillBatch(
      services,
      batchId,
      names.map((name) => ({ file: { file: name, path: join(folder, name) } })),
      {
        ...{ project, wait, signal: AbortSignal.timeout(60_000), nextBatch: open },
        ...{ onProgress: () => {}, onRefused: (file: string) => expect.unreachable(file) },
      },
    );
  const write = async (name: string, text: string) =>
    writeFile(join(folder, name), await smallPdf(`${text} ${folder}`));
  await write("first.pdf", "the first");
  await write("second.pdf", "the second");
  await write("changing.pdf", "before");

  const first = await open();
  await updateBatch(services, first, "pause");
  expect(await open()).toBe(first);
  expect(await fill(first, ["first.pdf", "changing.pdf"])).toEqual({ batchIds: [first], cancelled: false });
  // As an interrupted hand-in leaves it.
  await stack.database.batch.update({ where: { id: first }, data: { closedAt: null } });
  await write("changing.pdf", "afterwards");
  expect(await open()).toBe(first);
  await fill(first, ["first.pdf", "changing.pdf"]);

  const { batchIds, cancelled } = await fill(first, ["first.pdf", "changing.pdf", "second.pdf"]);
  expect({ batchIds, cancelled }).toEqual({ batchIds: [first, expect.any(String)], cancelled: false });
  await updateBatch(services, first, "resume");
  const results = await Promise.all(batchIds.map((id) => stack.client.workflow.getHandle(`batch/${id}`).result()));
  expect(results.map(({ counts }) => counts)).toMatchObject([
    { total: 3, complete: 3, waiting: 0 },
    { total: 1, complete: 1, waiting: 0 },
  ]);

  // What somebody cancels is not handed in by another batch.
  const unwanted = await open();
  await updateBatch(services, unwanted, "cancel");
  await stack.client.workflow.getHandle(`batch/${unwanted}`).result();
  expect(await fill(unwanted, ["first.pdf"])).toEqual({ batchIds: [unwanted], cancelled: true });
  await services.close();
});

it("a batch without a workflow is told and can be cancelled; one whose workflow was terminated ends when it is looked at", async () => {
  const id = await makeBatch("unbegun", [{ bucket: stack.bucket, key: "unbegun/one.pdf" }]);
  const unbegun = await docket(["batch", "show", id]);
  expect(unbegun.stderr).toMatch(/Nobody works on batch .*docket batch resume .*docket batch cancel/);
  expect(unbegun.stdout).toMatch(/state +running/);
  expect(await docket(["batch", "pause", id])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Nobody works/),
  });
  expect((await docket(["batch", "cancel", id])).code).toBe(0);
  expect((await docket(["batch", "show", id])).stdout).toMatch(/state +cancelled.*1 cancelled/s);
  expect((await docket(["batch", "cancel", id])).stderr).toContain("has ended");

  const terminated = await makeBatch("unbegun", [{ bucket: stack.bucket, key: "unbegun/two.pdf" }]);
  const handle = await stack.client.workflow.start("processBatch", {
    // Of a queue that nobody serves.
    taskQueue: `nobody-${terminated}`,
    workflowId: `batch/${terminated}`,
    args: [{ batchId: terminated }],
  });
  await handle.terminate("because of the test");
  expect((await docket(["batch", "show", terminated])).stdout).toMatch(/state +cancelled.*terminated/s);
});

it("a batch is found under whatever id its workflow was started, and another batch that has the id now is left alone", async () => {
  const services = await connectServices(process.env);
  // Of a queue that nobody serves.
  const unserved = await makeBatch("unserved", []);
  const waits = await stack.client.workflow.start("processBatch", {
    ...{ taskQueue: `nobody-${unserved}`, workflowId: `batch/${unserved}`, args: [{ batchId: unserved }] },
  });
  const unanswered = expect(updateBatch(services, unserved, "pause")).rejects.toMatchObject({
    message: expect.stringMatching(/^No worker has answered for batch .*may still be done/),
  });

  const workflowId = `my-batch-${randomUUID()}`;
  const start = async () => {
    const batchId = await makeBatch("my-batch", []);
    const input = { batchId, project: "my-batch" };
    await stack.client.workflow.start("processBatch", { taskQueue: "documents", workflowId, args: [input] });
    await until(
      () => readBatch(stack.database, batchId),
      (batch) => batch.workflowId === workflowId && batch.waitingFor !== null,
    );
    return batchId;
  };
  const first = await start();
  expect(await docket(["batch", "pause", first])).toMatchObject({ code: 0 });
  await until(
    () => readBatch(stack.database, first),
    ({ state }) => state === "paused",
  );
  const shown = await docket(["batch", "show", first]);
  expect(shown.stdout).toMatch(/state +paused/);
  expect(shown.stderr).not.toContain("Nobody works");
  await stack.client.workflow.getHandle(workflowId).terminate("because of the test");

  const second = await start();
  await expect(updateBatch(services, first, "cancel")).rejects.toMatchObject({
    message: expect.stringMatching(/has ended/),
  });
  expect(await readBatch(stack.database, first)).toMatchObject({
    state: "cancelled",
    failure: { message: expect.stringMatching(/works on another batch now/) },
  });
  expect(await readBatch(stack.database, second)).toMatchObject({ state: "running" });
  await updateBatch(services, second, "cancel");
  expect(await stack.client.workflow.getHandle(workflowId).result()).toMatchObject({ state: "cancelled" });
  await unanswered;
  await waits.terminate("the test is over");
  await stack.database.batch.delete({ where: { id: unserved } });
  await services.close();
});
