import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

// S3 as it is, but for keys with this word, which it answers with a 400 that says nothing, as to a HEAD.
const refusedKey = "s3-refuses-this";
let server: Server;
let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
beforeAll(async () => {
  stack = await connectStack();
  const { hostname, port } = new URL(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
  server = createServer((incoming, answer) => {
    const { method, url: path = "", headers } = incoming;
    if (path.includes(refusedKey)) {
      answer.writeHead(400).end();
      return;
    }
    const passed = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      pipeline(response, answer, () => {});
    });
    passed.on("error", () => incoming.socket.destroy());
    pipeline(incoming, passed, () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  worker = await startWorker("documents", { AWS_ENDPOINT_URL_S3: address });
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
  server.closeAllConnections();
  server.close();
});

it("a document that S3 goes on refusing ends with its cause, and has a record that tells it", async () => {
  const document = { bucket: stack.bucket, key: `outage/${refusedKey}.pdf` };
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: "storage-refused",
    args: [{ document, project: "storage-refused" }],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: "StorageRefused" } });
  const rows = await stack.database.document.findMany({ where: { workflowId: "storage-refused" } });
  expect(rows).toMatchObject([{ status: "failed", failureType: "StorageRefused", key: document.key }]);
  expect(rows[0]?.failureMessage).toContain(refusedKey);
});
