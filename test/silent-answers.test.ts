import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { credentialsCheck } from "#docket/cli/doctor/account-checks";
import { createNotificationQueue } from "#docket/notifications/notification-queue";
import { readServiceQuotas } from "#docket/textract/service-quotas";
import { createTextractApis } from "#docket/textract/textract-api";

// A server whose answers begin and do not go on, as where a firewall forgets a connection: who only receives is never told.
const server = createServer((request, response) => {
  request.resume();
  const status = request.url?.startsWith("/refusing") ? 400 : 200;
  response.writeHead(status, { "content-length": 1000, "content-type": "application/x-amz-json-1.1" });
  response.write('{"JobStatus"');
});
const signal = new AbortController().signal;
const region = "us-east-1";
const document = { bucket: "bucket", key: "key.pdf" };
const job = { jobId: "job", features: [], maxResults: 1 };

type Outcome = { answered: unknown } | { failed: unknown } | { waits: true };
const outcomes = new Map<string, Promise<Outcome>>();
const closing: (() => void)[] = [];

// All wait at the same time.
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  Object.assign(process.env, keys, { AWS_ENDPOINT_URL_STS: endpoint });
  const textract = createTextractApis({ endpoint });
  const refusing = createTextractApis({ endpoint: `${endpoint}/refusing` });
  const queue = createNotificationQueue({ queueUrl: `${endpoint}/000000000000/ends`, region });
  closing.push(textract.close, refusing.close, queue.close);
  const message = { body: "", receiptHandle: "handle", receiveCount: 1 };
  const calls = {
    "a job": () => textract.inRegion(region).get(job),
    "a result": () => textract.inRegion(region).getBody(job),
    "a Start": () => textract.inRegion(region).start({ document, features: [], token: "t", jobTag: "j" }),
    "a refusal": () => refusing.inRegion(region).get(job),
    "a refusal to start": () => refusing.inRegion(region).start({ document, features: [], token: "t", jobTag: "j" }),
    messages: () => queue.receive(signal),
    "a removal of a message": () => queue.delete(message),
    quotas: () => readServiceQuotas(region, { endpoint }),
    "the account": () => credentialsCheck(region, false),
  };
  for (const [name, call] of Object.entries(calls)) {
    const ended = call().then(
      (answered) => ({ answered }),
      (failed) => ({ failed }),
    );
    outcomes.set(name, Promise.race([ended, sleep(90_000, { waits: true as const }, { ref: false })]));
  }
});
afterAll(() => {
  for (const close of closing) close();
  server.closeAllConnections();
  server.close();
});

const unavailable = { failed: { type: "TextractUnavailable", message: expect.stringContaining("timed out") } };
const timedOut = { failed: { name: "TimeoutError" } };
it.each<[string, object]>([
  ["a job", unavailable],
  ["a result", unavailable],
  ["a Start", unavailable],
  ["a refusal", unavailable],
  ["a refusal to start", unavailable],
  ["messages", timedOut],
  ["a removal of a message", timedOut],
  ["quotas", timedOut],
  ["the account", { answered: { status: "failed", detail: expect.stringContaining("timed out") } }],
])("of an answer that stops in its middle nobody waits for the rest: %s", async (name, outcome) => {
  expect(await outcomes.get(name)).toMatchObject(outcome);
});
