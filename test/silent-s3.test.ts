import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeBucket } from "#docket/local/s3-bucket";
import { startStack } from "#docket/local/stack";
import { stackEnvironment } from "./support/stack.ts";

// A server that accepts connections, takes what is sent, and says nothing.
const sockets = new Set<Socket>();
const silent = createServer((socket) => void sockets.add(socket.on("error", () => {}).resume()));
let endpoint: string;
let dataDirectory: string;
beforeAll(async () => {
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  dataDirectory = await mkdtemp(join(tmpdir(), "docket-silent-"));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await rm(dataDirectory, { recursive: true, force: true });
});

it("an S3 that accepts connections and says nothing is not waited for without end", async () => {
  const accessKey = { accessKeyId: "key", secretAccessKey: "secret" };
  const made = makeBucket({ endpoint, region: "us-east-1", bucket: "docket", accessKey });
  await expect(made).rejects.toMatchObject({ type: "StorageUnavailable", message: expect.stringContaining(endpoint) });
  expect(sockets.size).toBeGreaterThan(0);
});

it("the wait for it ends with the start of the stack", async () => {
  Object.assign(process.env, stackEnvironment());
  const environment = stackEnvironment({
    ...{ AWS_ENDPOINT_URL_S3: endpoint, AWS_ENDPOINT_URL_TEXTRACT: endpoint, DOCKET_BUCKET: "" },
  });
  const stopped = new AbortController();
  const reached = once(silent, "connection");
  const started = startStack({ dataDirectory, environment, signal: stopped.signal });
  await reached;
  stopped.abort(new Error("because of the test"));
  await expect(started).rejects.toThrow("because of the test");
});
