import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DocketClient } from "docket/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { askTemporal } from "#docket/activities/ask-temporal";
import { identifyItem } from "#docket/database/batch-item-turns";
import { addItems } from "#docket/database/batch-items";
import { createBatch } from "#docket/database/batches";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, docket, outputOf, stackEnvironment, startWorker } from "./support/stack.ts";

// A document is handed in while a run of it is open that reads something else.
const project = `joined-${randomUUID().slice(0, 8)}`;
let stack: Awaited<ReturnType<typeof connectStack>>;
let folder: string;
beforeAll(async () => {
  stack = await connectStack();
  folder = await mkdtemp(join(tmpdir(), "docket-joined-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await stack.close();
});

async function file(name: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, await smallPdf(path));
  return path;
}

/** `docket submit --wait`, as soon as it waits for the other reading. */
async function joining(...args: string[]) {
  const command = ["dist/cli/docket.js", "submit", "--wait", "--project", project, "--json", ...args];
  const child: ChildProcess = spawn(process.execPath, command, { env: stackEnvironment() });
  // After the last of the output, other than "exit".
  const ended = once(child, "close");
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("a child without pipes");
  const output = outputOf({ stdout, stderr });
  await expect.poll(() => output.stderr, { timeout: 60_000 }).toContain("something else: textract");
  return async () => ({ code: (await ended)[0] as number | null, ...JSON.parse(output.stdout) });
}

it("waits for the end of the other reading, and then is read for what was asked; nothing is called complete before", async () => {
  const path = await file("twice.pdf");
  const forced = await file("forced.pdf");
  const client = await DocketClient.connect(stackEnvironment());
  const open = await client.submitFile(path, { project });
  await client.submitFile(forced, { project });
  // The same work is joined, as ever.
  expect(await client.submitFile(path, { project })).toEqual(open);

  // Nobody waits: it is told.
  const refused = await docket(["submit", "--project", project, "--json", "--features", "TABLES", path]);
  expect(refused.code).toBe(2);
  const { failure } = JSON.parse(refused.stdout);
  expect(failure).toMatchObject({ type: "DocumentUnderWay", remedy: expect.stringContaining("--wait") });
  expect(failure.message).toMatch(/twice\.pdf is under way for something else \(textract\)/);
  const options = { project, features: ["SIGNATURES" as const] };
  await expect(client.submitFile(path, options)).rejects.toMatchObject({ type: "DocumentUnderWay" });
  await client.close();

  const [tables, again] = await Promise.all([joining("--features", "TABLES", path), joining("--force", forced)]);
  const worker = await startWorker();
  try {
    const [read, forcedRead] = await Promise.all([tables(), again()]);
    expect(read).toMatchObject({ code: 0, status: "complete" });
    expect(forcedRead).toMatchObject({ code: 0, status: "complete" });
    const attempts = (documentId: string) =>
      stack.database.textractJob.findMany({
        where: { documentId },
        select: { features: true, attempt: true },
        orderBy: { intendedAt: "asc" },
      });
    expect((await attempts(read.documentId)).map(({ features }) => features)).toEqual([[], ["TABLES"]]);
    expect((await attempts(forcedRead.documentId)).map(({ features }) => features)).toEqual([[], []]);
    const row = await stack.database.document.findUnique({ where: { id: read.documentId } });
    expect(row).toMatchObject({ status: "complete", features: ["TABLES"] });
  } finally {
    await worker.stop();
  }
});

it("a batch does not count what was read for something else: it starts its document when that has ended", async () => {
  const prefix = `${project}/`;
  const key = `${prefix}held.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const faults = [{ kind: "slow-job", milliseconds: 5000, operation: "StartDocumentTextDetection", key }];
  const url = `${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
  await fetch(url, { method: "POST", body: JSON.stringify(faults) });
  const worker = await startWorker();
  try {
    const client = await DocketClient.connect(stackEnvironment());
    const { documentId } = await client.submitObject({ bucket: stack.bucket, key }, { project });
    await client.close();
    const jobs = () => stack.database.textractJob.findMany({ where: { documentId }, orderBy: { intendedAt: "asc" } });
    await expect.poll(jobs, { timeout: 60_000 }).toMatchObject([{ state: "submitted" }]);

    const batchId = randomUUID();
    const batch = await stack.client.workflow.execute("processBatch", {
      taskQueue: "documents",
      workflowId: `batch/${batchId}`,
      args: [{ batchId, source: { bucket: stack.bucket, prefix }, project, features: ["TABLES"] }],
    });
    expect(batch).toMatchObject({ counts: { total: 1, complete: 1 } });
    expect((await jobs()).map(({ features }) => features)).toEqual([[], ["TABLES"]]);
    expect(await stack.database.document.findUnique({ where: { id: documentId } })).toMatchObject({
      status: "complete",
      features: ["TABLES"],
    });

    // Nor where it is Temporal that tells the end.
    const id = randomUUID();
    const settings = { project, engine: "textract" as const, force: false, priority: 3, window: 10, onlyNew: false };
    await createBatch(stack.database, { id, source: id, ...settings, features: ["FORMS"], prefix: null });
    await addItems(stack.database, id, [{ bucket: stack.bucket, key }]);
    const [item] = await stack.database.batchItem.findMany({ where: { batchId: id } });
    const identity = { documentId, sha256: null, etag: null, version: null };
    await identifyItem(stack.database, item?.id ?? "", identity);
    const where = { id: item?.id ?? "" };
    await stack.database.batchItem.update({ where, data: { state: "started", startedAt: new Date(0) } });
    await askTemporal(stack.database, stack.client, id);
    expect(await stack.database.batchItem.findUnique({ where })).toMatchObject({ state: "waiting" });
    await stack.database.batch.delete({ where: { id } });
  } finally {
    await worker.stop();
  }
});
