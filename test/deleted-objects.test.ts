import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, it, onTestFinished, vi } from "vitest";
import { createDeleteDocument } from "#docket/activities/delete-document";
import { type Guard, removeObjects } from "#docket/activities/remove-objects";
import { runningBatches } from "#docket/activities/running-batches";
import { documentIdFromContent } from "#docket/contract/document-id";
import type { DocumentLocation } from "#docket/contract/process-document";
import { searchAttributes } from "#docket/contract/search-attributes";
import { addItems } from "#docket/database/batch-items";
import { createBatch } from "#docket/database/batches";
import { claimForDeletion, whileDeleting } from "#docket/database/delete-document-rows";
import { findVersitygw } from "#docket/local/parts/versitygw";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { makeBucket, sharedS3 } from "./support/local-textract.ts";
import { readingSteps, useReadingSteps } from "./support/reading-steps.ts";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { startFaultyS3 } from "./support/s3-faults.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { docket } from "./support/stack.ts";

// Which objects a deletion removes, and which it leaves. PostgreSQL and S3 are real; Temporal is not asked.

const project = `deleted-objects-${process.pid}`;
const { stack, steps } = useReadingSteps(project);

/** Deletes a document as the activity of `docket delete` does, with its source. @returns what its entry says */
async function remove(documentId: string, ports: { storage?: typeof stack.storage; bucket?: string } = {}) {
  const { database } = stack;
  const { storage = stack.storage, bucket = stack.bucket } = ports;
  const deletion = createDeleteDocument({ database, storage, bucket, stagingBucket: undefined });
  const request = { documentId, withSource: true, requestedBy: "Ann", reason: null };
  const answer = await asRun(newRun("deletion"), () => deletion(request));
  expect(answer.deleted).toBe(true);
  const [entry] = await database.deletion.findMany({ where: { documentId }, orderBy: { deletedAt: "desc" } });
  return { objects: entry?.objects, sourceDeleted: entry?.sourceDeleted };
}

const handIn = (document: DocumentLocation, using = steps) => using.own(newRun("hand-in"), document);

it("an object that has taken the place of a document's own is not deleted with it", async () => {
  const { storage, bucket } = stack;
  const document = { bucket, key: `${project}/daily.pdf` };
  const put = async (content: string) => storage.put(bucket, document.key, await smallPdf(content), "application/pdf");
  await put("Monday");
  const monday = await handIn(document);
  await put("Tuesday");
  const tuesday = await handIn(document);
  expect(tuesday).not.toBe(monday);
  expect(await remove(monday)).toEqual({ objects: 0, sourceDeleted: false });
  await expect(storage.head(document)).resolves.toMatchObject({ size: expect.any(Number) });
  expect(await remove(tuesday)).toEqual({ objects: 1, sourceDeleted: true });
  await expect(storage.head(document)).rejects.toMatchObject({ type: "ObjectMissing" });
});

it("where the bucket keeps versions the document's own one is deleted, however many there are", {
  timeout: 120_000,
}, async () => {
  const { storage, bucket, keepVersions } = await startVersionedS3();
  const using = readingSteps({ ...stack, storage, bucket }, project);
  const document = { bucket, key: "daily.pdf" };
  const put = async (content: string) => storage.put(bucket, document.key, await smallPdf(content), "application/pdf");
  // From before the bucket kept versions.
  await put("the very first");
  const first = await handIn(document, using);
  await keepVersions();
  await put("the second");
  const second = await handIn(document, using);
  const { objectVersion } = await stack.database.document.findUniqueOrThrow({ where: { id: second } });
  expect(objectVersion).toMatch(/./);
  // More than a listing has in one answer, and another key that begins with this one.
  for (let count = 0; count < 1000; count += 20) {
    await Promise.all(Array.from({ length: 20 }, () => storage.put(bucket, document.key, "later", "text/plain")));
  }
  await storage.put(bucket, `${document.key}.txt`, "another", "text/plain");

  const has = async (version: string) => (await storage.findVersion({ ...document, version })) !== null;
  expect(await Promise.all([has("null"), has(objectVersion ?? "")])).toEqual([true, true]);
  expect(await remove(first, { storage })).toEqual({ objects: 1, sourceDeleted: true });
  expect(await Promise.all([has("null"), has(objectVersion ?? "")])).toEqual([false, true]);
  expect(await remove(second, { storage })).toEqual({ objects: 1, sourceDeleted: true });
  expect(await has(objectVersion ?? "")).toBe(false);
  await expect(storage.head(document)).resolves.toMatchObject({ size: "later".length });
  await expect(storage.head({ bucket, key: `${document.key}.txt` })).resolves.toMatchObject({ size: "another".length });
  using.close();
});

it("what was written into the bucket that was Docket's when a file was handed in goes, too", async () => {
  const { database, storage } = stack;
  const former = await makeBucket();
  const content = await smallPdf(`${project} former`);
  const id = documentIdFromContent(project, createHash("sha256").update(content).digest("hex"));
  const document = { bucket: former.bucket, key: `documents/${project}/${id}/letter.pdf` };
  await former.put(document.key, content);
  expect(await handIn(document)).toBe(id);
  const written = [`textract/${id}/job/1`, `copies/${id}/copy`].map((key) => former.put(key, "x"));
  await Promise.all([...written, former.put(`documents/${project}/${id}-of-another/letter.pdf`, "x")]);
  expect(await remove(id)).toEqual({ objects: 3, sourceDeleted: false });
  const left = await storage.listVersions(former.bucket, "");
  expect(left.map(({ key }) => key)).toEqual([`documents/${project}/${id}-of-another/letter.pdf`]);
  expect(await database.document.count({ where: { id } })).toBe(0);
  former.s3.destroy();
});

it("a document that is handed in again while it is deleted keeps what its new run writes", async () => {
  const { storage, bucket, database } = stack;
  const document = { bucket, key: `${project}/again.pdf` };
  await storage.put(bucket, document.key, await smallPdf(document.key), "application/pdf");
  const documentId = await handIn(document);
  const answer = `textract/${documentId}/job/1`;
  await storage.put(bucket, answer, "of the first run", "application/json");
  const listVersions: typeof storage.listVersions = async (...place) => {
    const listed = await storage.listVersions(...place);
    if (listed.some(({ key }) => key === answer)) {
      expect(await handIn(document)).toBe(documentId);
      await storage.put(bucket, answer, "of the second run", "application/json");
    }
    return listed;
  };
  await expect(remove(documentId, { storage: { ...storage, listVersions } })).rejects.toMatchObject({
    type: "Superseded",
  });
  expect(Buffer.from(await storage.readWhole({ bucket, key: answer })).toString()).toBe("of the second run");
  await expect(storage.head(document)).resolves.toMatchObject({ size: expect.any(Number) });
  expect(await database.document.findUnique({ where: { id: documentId } })).toMatchObject({ status: "processing" });
  await remove(documentId);
});

it("a retention leaves a document alone whose upload a batch under way is to hand in; an end of the batch lets it go", async () => {
  const { storage, bucket, database, client } = stack;
  const content = await smallPdf(`${project} awaited`);
  const id = documentIdFromContent(project, createHash("sha256").update(content).digest("hex"));
  const document = { bucket, key: `documents/${project}/${id}/letter.pdf` };
  await storage.put(bucket, document.key, content, "application/pdf");
  expect(await handIn(document)).toBe(id);
  const ended = {
    status: "complete" as const,
    expectedPages: 1,
    storedPages: 1,
    characters: 1,
    finishedAt: new Date(0),
  };
  await database.document.update({ where: { id }, data: ended });

  const batchId = randomUUID();
  const settings = { project, engine: "textract" as const, force: false, priority: 3, window: 1, onlyNew: false };
  await createBatch(database, { id: batchId, source: batchId, ...settings, features: ["TABLES"], prefix: null });
  await addItems(database, batchId, [document]);
  // On a queue that nobody serves.
  const batch = await client.workflow.start("processBatch", {
    ...{ taskQueue: project, workflowId: `batch/${batchId}`, args: [{ batchId, project }] },
    typedSearchAttributes: [{ key: searchAttributes.batch, value: batchId }],
  });
  const running = async () => (await runningBatches(client, [batchId])).size;
  await expect.poll(running, { timeout: 20_000 }).toBe(1);
  const retention = () => {
    const deletion = createDeleteDocument({ database, storage, bucket, stagingBucket: undefined });
    const request = { documentId: id, withSource: false, requestedBy: "Records", reason: null, olderThanDays: 1 };
    return asRun(newRun("retention"), () => deletion(request), client);
  };
  expect(await retention()).toEqual({ deleted: false, objects: 0 });
  expect(await database.document.findUnique({ where: { id } })).toMatchObject({ status: "complete" });
  await expect(storage.head(document)).resolves.toMatchObject({ size: content.length });

  // One that was terminated says so nowhere but in Temporal.
  await batch.terminate();
  await expect.poll(running, { timeout: 20_000 }).toBe(0);
  expect(await retention()).toEqual({ deleted: true, objects: 1 });
  // Its line names a file of the document.
  expect(await database.batchItem.count({ where: { batchId } })).toBe(0);
  expect(await database.batch.findUnique({ where: { id: batchId } })).toMatchObject({ total: 1, cancelled: 1 });
  await database.batch.delete({ where: { id: batchId } });
});

it("objects are removed only in the time for which the document is held; what is left waits until it is held again", async () => {
  const { storage, bucket, database } = stack;
  const prefix = `${project}/slow/`;
  for (const name of ["1", "2", "3", "4", "5"]) await storage.put(bucket, prefix + name, name, "text/plain");
  // Time for two removals, then for none, as behind a row that somebody else had locked, then for two again.
  const times = [2, 0, 2, 2];
  const held: number[] = [];
  const guard: Guard = async (work) => {
    let left = times[held.length] ?? 0;
    const before = (await storage.listVersions(bucket, prefix)).length;
    await work(() => left-- > 0);
    held.push(before - (await storage.listVersions(bucket, prefix)).length);
  };
  expect(await removeObjects(storage, bucket, prefix, guard)).toBe(5);
  expect(held).toEqual([2, 0, 2, 1]);

  const document = { bucket, key: `${project}/held.pdf` };
  await storage.put(bucket, document.key, await smallPdf(document.key), "application/pdf");
  const documentId = await handIn(document);
  const deletion = newRun("deletion");
  await claimForDeletion(database, documentId, deletion);
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  await whileDeleting(database, { documentId, ...deletion }, async (inTime) => {
    expect(inTime()).toBe(true);
    vi.setSystemTime(Date.now() + 20_000);
    expect(inTime()).toBe(false);
  });
  vi.useRealTimers();
  await remove(documentId);
});

it("a deletion that may not delete says so where the document is looked at, and what to allow", async () => {
  const s3 = await startFaultyS3(sharedS3().endpoint);
  const storage = createObjectStorage({ region: "us-east-1", endpoint: s3.address });
  const document = { bucket: stack.bucket, key: `${project}/forbidden.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  const documentId = await handIn(document);
  s3.fault({ method: "DELETE", path: document.key, status: 403, code: "AccessDenied", count: 1 });
  await expect(remove(documentId, { storage })).rejects.toMatchObject({ type: "ObjectForbidden" });
  const status = JSON.parse((await docket(["status", documentId, "--json"])).stdout);
  expect(status).toMatchObject({
    status: "cancelled",
    failure: {
      type: "ObjectForbidden",
      message: expect.stringContaining("could not be deleted: "),
      remedy: expect.stringContaining("s3:DeleteObjectVersion"),
    },
  });
  expect(await remove(documentId, { storage })).toEqual({ objects: 1, sourceDeleted: true });
  storage.close();
  s3.close();
});

/** An S3 server of its own whose buckets can keep versions. */
async function startVersionedS3() {
  const folder = await mkdtemp(join(tmpdir(), "docket-versions-"));
  const [buckets, versions] = [join(folder, "buckets"), join(folder, "versions")];
  await Promise.all([mkdir(buckets), mkdir(versions)]);
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const { credentials } = sharedS3();
  const child = spawn(
    await findVersitygw(),
    ["--port", `127.0.0.1:${port}`, "--region", "us-east-1", "--health", "/health", "--quiet"].concat([
      ...["posix", "--versioning-dir", versions, buckets],
    ]),
    {
      env: {
        ...process.env,
        ...{ ROOT_ACCESS_KEY_ID: credentials.accessKeyId, ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey },
      },
      stdio: "ignore",
    },
  );
  const ended = once(child, "exit");
  const endpoint = `http://127.0.0.1:${port}`;
  const s3 = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  const storage = createObjectStorage({ region: "us-east-1", endpoint });
  onTestFinished(async () => {
    s3.destroy();
    storage.close();
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  await expect
    .poll(
      () =>
        fetch(`${endpoint}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 20_000, interval: 50 },
    )
    .toBe(true);
  const bucket = "versions";
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    storage,
    bucket,
    async keepVersions() {
      const VersioningConfiguration = { Status: "Enabled" as const };
      await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    },
  };
}
