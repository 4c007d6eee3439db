import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { removeRetention, setRetention } from "#docket/client/delete-documents";
import { deletionWorkflowId } from "#docket/contract/delete-documents";
import { claimItems, confirmClaim, identifyItem } from "#docket/database/batch-item-turns";
import { addItems } from "#docket/database/batch-items";
import { closeBatch, createBatch } from "#docket/database/batches";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, docket, documentQueues, type Running, runCommand, startWorker } from "./support/stack.ts";

let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;

beforeAll(async () => {
  stack = await connectStack();
  worker = await startWorker();
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
});

/** Hands in an object by its address, and waits for its end. */
async function handIn(project: string, name = "one", file = "samples/notice-200dpi-bilevel.pdf") {
  const document = await stack.upload(`theirs/${project}/${name}.pdf`, file);
  const result = await stack.client.workflow.execute("processDocument", {
    taskQueue: "documents",
    workflowId: `deleted-${project}-${name}`,
    args: [{ document, project }],
  });
  return { document, documentId: result.documentId as string, costUsd: result.costUsd as number };
}

async function expectGone(documentId: string): Promise<void> {
  const { database, storage, bucket } = stack;
  expect(await database.document.count({ where: { id: documentId } })).toBe(0);
  const where = { documentId };
  for (const table of [database.page, database.pageCorrection, database.documentMetadata, database.textractJob]) {
    expect(await (table.count as (query: object) => Promise<number>)({ where })).toBe(0);
  }
  expect(await database.documentEvent.count({ where })).toBe(0);
  for (const prefix of [`textract/${documentId}/`, `copies/${documentId}/`]) {
    expect(await storage.listVersions(bucket, prefix)).toEqual([]);
  }
}

it("everything that Docket made of a document goes; its owner's object and an entry that says so stay", async () => {
  const { document, documentId, costUsd } = await handIn("deleted-one");
  await stack.storage.put(stack.bucket, `copies/${documentId}/left-over`, "x", "text/plain");
  expect((await stack.storage.listVersions(stack.bucket, `textract/${documentId}/`)).length).toBeGreaterThan(0);
  const [job] = await stack.database.textractJob.findMany({ where: { documentId } });

  const answer = await docket(["delete", documentId, "--by", "Ann", "--reason", "asked for", "--json"]);
  expect(answer.code).toBe(0);
  expect(JSON.parse(answer.stdout)).toMatchObject({ deleted: 1, failed: [] });
  await expectGone(documentId);
  await expect(stack.storage.head(document)).resolves.toMatchObject({ size: expect.any(Number) });
  const left = await stack.database.deletion.findMany({ where: { documentId } });
  expect(left).toMatchObject([
    {
      project: "deleted-one",
      requestedBy: "Ann",
      reason: "asked for",
      sourceDeleted: false,
      pages: expect.any(Number),
    },
  ]);
  expect(Number(left[0]?.costUsd)).toBeCloseTo(costUsd, 6);
  expect(left[0]?.jobs).toMatchObject([{ jobId: job?.jobId, region: "us-east-1" }]);

  // What is handed in again is a new document, and paid again.
  const again = await handIn("deleted-one", "again");
  expect(again.documentId).toBe(documentId);
  const anew = await stack.database.textractJob.findMany({ where: { documentId } });
  expect(anew.map(({ attempt }) => attempt)).toEqual([2]);
  expect((await docket(["delete", documentId, "--with-source"])).code).toBe(0);
  await expect(stack.storage.head(again.document)).rejects.toMatchObject({ type: "ObjectMissing" });
});

it("a file that docket uploaded goes with its document, and an open run does not write any more", async () => {
  await worker.stop();
  const submitted = await docket(["submit", "samples/court-order.png", "--project", "deleted-open", "--json"]);
  const { documentId } = JSON.parse(submitted.stdout);
  const prefix = `documents/deleted-open/${documentId}/`;
  expect(await stack.storage.listVersions(stack.bucket, prefix)).toHaveLength(1);
  const [upload] = await stack.storage.listVersions(stack.bucket, prefix);
  const faults = JSON.stringify([{ kind: "slow-job", key: upload?.key, milliseconds: 20_000 }]);
  await fetch(`${inject("environment")["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "POST", body: faults });
  worker = await startWorker();
  const handle = stack.client.workflow.getHandle(`document/${documentId}`);
  await expect
    .poll(() => stack.database.textractJob.count({ where: { documentId, state: "submitted" } }), { timeout: 60_000 })
    .toBe(1);
  expect((await handle.describe()).status.name).toBe("RUNNING");
  expect((await docket(["delete", documentId])).code).toBe(0);
  await handle.result().catch(() => undefined);
  await expectGone(documentId);
  expect(await stack.storage.listVersions(stack.bucket, prefix)).toEqual([]);
});

it("an upload of the document that was interrupted goes with it, and no other does", async () => {
  const { documentId } = await handIn("deleted-upload");
  const s3 = new S3Client({
    region: "us-east-1",
    endpoint: inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "",
    forcePathStyle: true,
  });
  const Bucket = stack.bucket;
  const begin = (Key: string) => s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  await begin(`documents/deleted-upload/${documentId}/large.pdf`);
  const other = await begin(`documents/deleted-upload-2/${documentId}/large.pdf`);
  expect((await docket(["delete", documentId])).code).toBe(0);
  const { Uploads = [] } = await s3.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: "documents/deleted-upload" }),
  );
  expect(Uploads.map(({ UploadId }) => UploadId)).toEqual([other.UploadId]);
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: other.Key, UploadId: other.UploadId }));
  s3.destroy();
});

it("a worker killed with SIGKILL half way: the deletion is finished, with one entry", async () => {
  const { documentId } = await handIn("deleted-killed");
  await worker.stop();
  const marker = join(tmpdir(), `docket-deleted-killed-${process.pid}`);
  await rm(marker, { force: true });
  const kill = { KILL_STEP: "deleteDocument", KILL_MOMENT: "after", KILL_MARKER: marker };
  const doomed = await startWorker(documentQueues, kill);
  const dead = new Promise((resolve) => doomed.child.once("exit", (_, signal) => resolve(signal)));
  const deleting = docket(["delete", documentId, "--json"]);
  expect(await dead).toBe("SIGKILL");
  expect(Number(await readFile(marker, "utf8"))).toBe(doomed.child.pid);
  await rm(marker, { force: true });
  worker = await startWorker();
  expect(JSON.parse((await deleting).stdout)).toMatchObject({ deleted: 1, failed: [] });
  await expectGone(documentId);
  expect(await stack.database.deletion.count({ where: { documentId } })).toBe(1);
});

it("a document that its batch waits for is cancelled there, and the batch ends; an id that is named twice is one", async () => {
  const project = "deleted-batch";
  const { document, documentId } = await handIn(project);
  const { database } = stack;
  const id = randomUUID();
  const settings = { project, engine: "textract" as const, features: [], priority: 3, window: 10, force: true };
  await createBatch(database, { id, source: `made of rows ${id}`, ...settings, prefix: null, onlyNew: false });
  await addItems(database, id, [document]);
  await closeBatch(database, id);
  const [item] = await database.batchItem.findMany({ where: { batchId: id } });
  const itemId = item?.id ?? "";
  await identifyItem(database, itemId, { documentId, sha256: null, etag: null, version: null });
  await claimItems(database, [itemId], "a claim");
  await confirmClaim(database, id, { started: "a claim", current: "" });

  const answer = await docket(["delete", documentId, documentId.toUpperCase(), "--json"]);
  expect(JSON.parse(answer.stdout)).toMatchObject({ deleted: 1, failed: [] });
  await expectGone(documentId);
  const batch = stack.client.workflow.execute("processBatch", {
    taskQueue: "documents",
    workflowId: `batch/${id}`,
    args: [{ batchId: id, project }],
  });
  expect(await batch).toMatchObject({ state: "finished", counts: { total: 1, cancelled: 1, waiting: 0, underWay: 0 } });
});

it("a sweep does not bring back what was deleted; whoever hands it in by name has it back", async () => {
  const project = "deleted-swept";
  const prefix = `theirs/${project}/${randomUUID()}/`;
  const document = await stack.upload(`${prefix}one.pdf`, "samples/notice-200dpi-bilevel.pdf");
  const sweep = async () => {
    const batchId = randomUUID();
    const batch = await stack.client.workflow.execute("processBatch", {
      taskQueue: "documents",
      workflowId: `batch/${batchId}`,
      args: [{ batchId, source: { bucket: stack.bucket, prefix }, project, onlyNew: true }],
    });
    return batch.counts;
  };
  expect(await sweep()).toMatchObject({ total: 1, complete: 1 });
  const { id: documentId } = await stack.database.document.findFirstOrThrow({ where: { key: document.key } });
  expect((await docket(["delete", documentId])).code).toBe(0);
  expect(await sweep()).toMatchObject({ total: 0 });
  await expectGone(documentId);
  const [{ objectDigests = [] } = {}] = await stack.database.deletion.findMany({ where: { documentId } });
  expect(objectDigests).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);

  const again = await stack.client.workflow.execute("processDocument", {
    ...{ taskQueue: "documents", workflowId: `${prefix}again`, args: [{ document, project }] },
  });
  expect(again).toMatchObject({ documentId, reused: false });
  // Another object under the same key is not the one that was deleted.
  expect((await docket(["delete", documentId])).code).toBe(0);
  await stack.upload(document.key, "samples/court-order.png");
  expect(await sweep()).toMatchObject({ total: 1, complete: 1 });
});

it("a sweep does not bring back what was deleted under another key with the same content, and reads what comes later", async () => {
  const project = "deleted-twice";
  const prefix = `theirs/${project}/${randomUUID()}/`;
  const { database, bucket } = stack;
  const put = (name: string) => stack.upload(`${prefix}${name}.pdf`, "samples/notice-200dpi-bilevel.pdf");
  const run = async (batchId: string, input: object) => {
    const batch = await stack.client.workflow.execute("processBatch", {
      ...{ taskQueue: "documents", workflowId: `batch/${batchId}`, args: [{ batchId, project, ...input }] },
    });
    return batch.counts;
  };
  const sweep = (features: string[]) => run(randomUUID(), { source: { bucket, prefix }, features, onlyNew: true });
  const [document] = [await put("one"), await put("two")];
  const { total, complete, reused } = await sweep([]);
  expect([total, complete + reused]).toEqual([2, 2]);

  // Listed by then, and not yet its turn.
  const { etag } = await stack.storage.head(document);
  const id = randomUUID();
  const settings = { project, engine: "textract" as const, features: [], priority: 3, window: 10, force: false };
  await createBatch(database, { id, source: id, ...settings, prefix: null, onlyNew: true });
  await addItems(database, id, [{ ...(await put("three")), etag }]);
  await closeBatch(database, id);
  const { id: documentId } = await database.document.findFirstOrThrow({ where: { project: { slug: project } } });
  expect((await docket(["delete", documentId])).code).toBe(0);
  expect(await run(id, {})).toMatchObject({ total: 1, cancelled: 1 });
  await expectGone(documentId);

  // With other features, of which no batch has listed it: what it was left out as is known afterwards.
  expect(await sweep(["TABLES"])).toMatchObject({ total: 1, cancelled: 1 });
  expect(await sweep(["TABLES"])).toMatchObject({ total: 0 });
  await expectGone(documentId);
  await put("four");
  expect(await sweep(["TABLES"])).toMatchObject({ total: 1, complete: 1 });
  expect((await docket(["delete", documentId])).code).toBe(0);
});

it("a sweep that is listing when a document is deleted reads what comes since, and leaves out what was there", async () => {
  const project = "deleted-meanwhile";
  const prefix = `theirs/${project}/${randomUUID()}/`;
  const { database, storage, bucket } = stack;
  const content = await smallPdf(prefix);
  const put = (name: string) => storage.put(bucket, `${prefix}${name}.pdf`, content, "application/pdf");
  const batchId = randomUUID();
  const settings = { project, engine: "textract" as const, features: [], priority: 3, window: 10, force: false };
  const source = `s3://${bucket}/${prefix}`;
  await createBatch(database, { id: batchId, source, ...settings, prefix: { bucket, prefix }, onlyNew: true });
  await put("one");
  const document = { bucket, key: `${prefix}one.pdf` };
  const read = await stack.client.workflow.execute("processDocument", {
    ...{ taskQueue: "documents", workflowId: `${prefix}one`, args: [{ document, project }] },
  });
  await put("two");
  // S3 tells the time of an object to the second.
  await sleep(1000);
  expect((await docket(["delete", read.documentId])).code).toBe(0);
  const [deletion] = await database.deletion.findMany({ where: { documentId: read.documentId } });
  await put("three");

  const batch = await stack.client.workflow.execute("processBatch", {
    ...{ taskQueue: "documents", workflowId: `batch/${batchId}`, args: [{ batchId, project }] },
  });
  expect(batch.counts).toMatchObject({ total: 2, cancelled: 1, complete: 1 });
  const row = await database.document.findUniqueOrThrow({ where: { id: read.documentId } });
  expect(row).toMatchObject({ key: `${prefix}three.pdf`, status: "complete" });
  const known = await database.deletion.findUniqueOrThrow({ where: { id: deletion?.id ?? "" } });
  expect(known.objectDigests).toHaveLength(2);
});

// A process of a number that the system has no name for, as in many containers; as anybody, by a namespace of its own.
const nameless = ["--user", "--map-user=54321", "--map-group=54321", "--"];
const why = spawnSync("unshare", [...nameless, "true"]).status === 0 ? null : "no user namespace can be made here";
it.skipIf(why !== null)("whoever runs the command without having a name is kept as a number", async () => {
  const { documentId } = await handIn("deleted-nameless");
  const command = [...nameless, process.execPath, "dist/cli/docket.js", "delete", documentId];
  expect(await runCommand("unshare", command)).toMatchObject({ code: 0 });
  const entries = await stack.database.deletion.findMany({ where: { documentId } });
  expect(entries).toMatchObject([{ requestedBy: "uid 54321" }]);
});

it("a project is deleted only when that is said twice; a retention deletes what ended long ago", async () => {
  const project = "deleted-project";
  const old = await handIn(project, "old");
  const recent = await handIn(project, "recent", "samples/court-order.png");
  const longAgo = new Date(Date.now() - 91 * 86_400_000);
  await stack.database.document.update({
    where: { id: old.documentId },
    data: { receivedAt: longAgo, startedAt: longAgo, finishedAt: longAgo },
  });
  const set = await docket(["retention", project, "--days", "90", "--now", "--by", "Records", "--json"]);
  expect(JSON.parse(set.stdout)).toMatchObject({ project, days: 90, withSource: false, nextAt: expect.any(String) });
  await expect
    .poll(() => stack.database.deletion.count({ where: { documentId: old.documentId } }), { timeout: 90_000 })
    .toBe(1);
  await expectGone(old.documentId);
  const [entry] = await stack.database.deletion.findMany({ where: { documentId: old.documentId } });
  expect(entry).toMatchObject({ requestedBy: "Records", reason: "retention of 90 days" });
  expect(await stack.database.document.count({ where: { id: recent.documentId } })).toBe(1);
  expect((await docket(["retention", project, "--off"])).stdout).toContain("kept for good");

  const unsaid = await docket(["delete", "--project", project]);
  expect(unsaid).toMatchObject({ code: 1, stderr: expect.stringContaining("--yes") });
  expect((await docket(["delete", "--project", project, "--yes", "--json"])).code).toBe(0);
  await expectGone(recent.documentId);
});

it("the retentions of all projects are listed, as they must be saved and can be set again", async () => {
  const projects = Array.from({ length: 12 }, (_, n) => `deleted-listed-${String(n).padStart(2, "0")}`);
  const services = { temporal: stack.client };
  for (const project of projects) {
    await setRetention(services, { project, days: 30, withSource: project.endsWith("3"), requestedBy: "O'Brien" });
  }
  const listed = async () => {
    const { code, stdout } = await docket(["retention", "--json"]);
    expect(code).toBe(0);
    const lines = stdout.split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line)).filter(({ project }) => project.startsWith("deleted-listed-"));
  };
  // Temporal's lists are some moments late.
  await expect.poll(async () => (await listed()).length, { timeout: 60_000, interval: 1000 }).toBe(projects.length);
  const all = await listed();
  expect(all.map(({ project }) => project).sort()).toEqual(projects);
  expect(all.find(({ project }) => project === "deleted-listed-03")).toMatchObject({
    ...{ days: 30, withSource: true, requestedBy: "O'Brien", nextAt: expect.any(String), lastAt: null },
  });
  expect((await docket(["retention"])).stdout).toMatch(/^deleted-listed-03: documents are deleted 30 days after/m);
  for (const project of projects) expect(await removeRetention(services, project)).toBe(true);
  await expect.poll(async () => (await listed()).length, { timeout: 60_000, interval: 1000 }).toBe(0);

  const unnamed = await docket(["retention", "--days", "30"]);
  expect(unnamed).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("docket retention PROJECT") });
});

it("a retention leaves a document alone that was handed in again since it was listed", async () => {
  const project = "deleted-not-yet";
  const documents = [await handIn(project, "one"), await handIn(project, "two", "samples/court-order.png")];
  const [first, second] = documents.map(({ documentId }) => documentId).sort();
  if (first === undefined || second === undefined) throw new Error("two documents are needed");
  const longAgo = new Date(Date.now() - 91 * 86_400_000);
  await stack.database.document.updateMany({
    where: { id: { in: [first, second] } },
    data: { receivedAt: longAgo, startedAt: longAgo, finishedAt: longAgo },
  });
  // The first one's deletion waits for its row, while the second one is read once more.
  const handle = await stack.database.$transaction(
    async (transaction) => {
      await transaction.$queryRaw`SELECT 1 FROM documents WHERE id = ${first}::uuid FOR UPDATE`;
      const started = await stack.client.workflow.start("deleteDocuments", {
        ...{ taskQueue: "documents", workflowId: `delete-${project}` },
        args: [{ project, olderThanDays: 90, requestedBy: "Records" }],
      });
      const underWay = async () =>
        (await started.describe()).raw.pendingActivities?.map(({ activityType }) => activityType?.name);
      await expect.poll(underWay, { timeout: 20_000, interval: 50 }).toEqual(["deleteDocument"]);
      await stack.database.document.update({ where: { id: second }, data: { finishedAt: new Date() } });
      return started;
    },
    { timeout: 30_000 },
  );
  expect(await handle.result()).toMatchObject({ deleted: 1, failed: [] });
  await expectGone(first);
  expect(await stack.database.document.findUnique({ where: { id: second } })).toMatchObject({ status: "complete" });
});

it("a deletion joins the one of the same documents and extent that is under way, and no other", async () => {
  const ids = (input: object) => deletionWorkflowId({ requestedBy: "Ann", ...input });
  expect(ids({ documentIds: ["b", "a"] })).toBe(ids({ documentIds: ["a", "b"], reason: "again" }));
  const all = [...[["a"], ["a", "b"], ["a", "c"]].map((documentIds) => ({ documentIds })), { project: "p" }].flatMap(
    (input) => [ids(input), ids({ ...input, withSource: true })],
  );
  expect(new Set(all).size).toBe(8);
});
