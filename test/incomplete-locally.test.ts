import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addWebhook } from "#docket/database/webhooks";
import { damagedPdf } from "./support/damaged-pdf.ts";
import { connectStack, docket, documentQueues, type Running, startWorker } from "./support/stack.ts";

// A document that the local engine cannot read all of, handed in as a program does it, by real workers.

const project = `incomplete-locally-${randomUUID().slice(0, 8)}`;
const missingPages = [2, 4].map((page) => ({ page, warning: "Corrupt" }));
let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
beforeAll(async () => {
  stack = await connectStack();
  worker = await startWorker(`${documentQueues},ocr`, { DOCKET_WEBHOOK_NETWORKS: "127.0.0.0/8" });
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
});

/** @returns what the workflow failed with */
async function failureOf(key: string, more: object = {}) {
  const args = [{ document: { bucket: stack.bucket, key }, project, engine: "local", ...more }];
  const options = { taskQueue: "documents", workflowId: `${project}-${randomUUID()}`, args };
  return stack.client.workflow.execute("processDocument", options).then(
    () => expect.fail("the document completed"),
    (error) => error.cause,
  );
}

/** When the text of each page was stored. */
async function storedAt(documentId: string): Promise<[number, number][]> {
  const rows = await stack.database.page.findMany({ where: { documentId }, orderBy: { number: "asc" } });
  return rows.map(({ number, storedAt: at }) => [number, at.getTime()]);
}

it("is incomplete with the list of its missing pages, everywhere; only these are read again", async () => {
  const received: { type: string; data: object }[] = [];
  const receiver = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push(JSON.parse(body));
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  await addWebhook(stack.database, {
    id: randomUUID(),
    project,
    url,
    secret: `whsec_${randomBytes(32).toString("base64")}`,
  });

  const key = `${project}/damaged.pdf`;
  await stack.storage.put(stack.bucket, key, await damagedPdf(project, 4, [2, 4]), "application/pdf");
  const failure = await failureOf(key);
  expect(failure).toMatchObject({ type: "PagesFailed", nonRetryable: true });
  const [detail] = failure.details;
  expect(detail).toMatchObject({ type: "PagesFailed", missingPages, remedy: expect.stringMatching(/nothing is paid/) });
  const { documentId } = detail;
  const row = await stack.database.document.findUniqueOrThrow({ where: { id: documentId } });
  expect(row).toMatchObject({ status: "incomplete", expectedPages: 4, storedPages: 2, missingPages });

  await expect.poll(() => received.length, { timeout: 90_000, interval: 100 }).toBeGreaterThan(0);
  receiver.close();
  expect(received[0]).toMatchObject({
    type: "docket.document.incomplete",
    data: { result: null, failure: { type: "PagesFailed", missingPages } },
  });
  const text = await docket(["text", documentId]);
  expect(text.code).toBe(2);
  expect(text.stdout).toMatch(/This is page 1 [\s\S]*This is page 3 /);
  expect(text.stderr).toMatch(/incomplete.*2 of 4 pages[\s\S]*Missing: pages 2, 4\./);
  expect((await docket(["status", documentId])).stdout).toMatch(/missing +pages 2, 4 \(Corrupt\)/);
  const exported = await docket(["export", documentId, "--format", "textract", "--any-status"]);
  expect(JSON.parse(exported.stdout)).toMatchObject({
    JobStatus: "PARTIAL_SUCCESS",
    DocumentMetadata: { Pages: 4 },
    Warnings: [{ ErrorCode: "Corrupt", Pages: [2, 4] }],
  });
  const redrive = await docket(["redrive", documentId, "--dry-run", "--json"]);
  expect(JSON.parse(redrive.stdout.split("\n")[0] ?? "")).toMatchObject({ documentId, billedPages: 0, billedUsd: 0 });

  const before = await storedAt(documentId);
  expect(before.map(([number]) => number)).toEqual([1, 3]);
  expect((await failureOf(key)).details[0]).toMatchObject({ documentId, missingPages });
  expect(await storedAt(documentId)).toEqual(before);
  expect((await failureOf(key, { force: true })).details[0]).toMatchObject({ documentId, missingPages });
  const after = await storedAt(documentId);
  expect(after.map(([number, at], i) => [number, at > (before[i]?.[1] ?? 0)])).toEqual([
    [1, true],
    [3, true],
  ]);
});
