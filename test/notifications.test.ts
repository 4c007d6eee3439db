import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { freePort } from "#docket/local/free-port";
import { region, startEndpoint } from "./support/local-textract.ts";
import { makeTopic, roleArn } from "./support/notifications.ts";
import { startFaultyS3 } from "./support/s3-faults.ts";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

// Documents whose poll comes once an hour: whatever ends in this file was woken, or found its job ended at once.

let stack: Awaited<ReturnType<typeof connectStack>>;
/** The endpoint's own way to S3, by which its jobs are held at work. */
let s3: Awaited<ReturnType<typeof startFaultyS3>>;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let topic: ReturnType<typeof makeTopic>;
let worker: Running;
let health: string;

beforeAll(async () => {
  stack = await connectStack();
  s3 = await startFaultyS3(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
  endpoint = await startEndpoint({ s3: { endpoint: s3.address } });
  topic = makeTopic(endpoint.address);
  const port = await freePort([]);
  health = `http://127.0.0.1:${port}`;
  worker = await startNotified({ DOCKET_HEALTH_PORT: String(port) });
});
afterAll(async () => {
  await worker.stop();
  await endpoint.end();
  s3.close();
  await stack.close();
});

function startNotified(extra: Record<string, string> = {}): Promise<Running> {
  return startWorker(undefined, {
    AWS_ENDPOINT_URL_TEXTRACT: endpoint.address,
    DOCKET_TEXTRACT_TOPIC_ARN: topic.topicArn,
    DOCKET_TEXTRACT_ROLE_ARN: roleArn,
    DOCKET_NOTIFICATION_QUEUE_URL: topic.queueUrl,
    DOCKET_TEXTRACT_NOTIFIED_POLL_SECONDS: "3600",
    ...extra,
  });
}

const start = "StartDocumentTextDetection";

/** A job that cannot read its document, and is at work until it may end. */
const held = { kind: "held" };

/** Hands in a document of its own, after its faults were ordered. */
async function handIn(...ordered: object[]) {
  const faults = ordered.filter((fault) => fault !== held);
  const name = `notified-${randomUUID().slice(0, 8)}`;
  const document = await stack.upload(`${name}.pdf`, "samples/service-agreement.pdf");
  await endpoint.fault(...faults.map((fault) => ({ ...fault, key: document.key })));
  // A Start looks at the object's beginning, and only a job reads all of it.
  if (ordered.includes(held)) s3.fault({ method: "GET", path: document.key, range: null, status: 503, count: 10_000 });
  const again = () =>
    stack.client.workflow.start("processDocument", {
      taskQueue: "documents",
      workflowId: name,
      args: [{ document, project: name }],
    });
  const handle = await again();
  return {
    handle,
    again: async () => (await again()).result(),
    key: document.key,
    /** The ledger's rows. */
    jobs: () => stack.database.textractJob.findMany({ where: { key: document.key } }),
    /** Waits until Textract has taken the job and the document waits for its end. */
    waits: () =>
      vi.waitFor(
        async () => {
          const [job] = await stack.database.textractJob.findMany({ where: { key: document.key } });
          const { pendingActivities } = (await handle.describe()).raw;
          const waiting = pendingActivities?.find(({ activityType }) => activityType?.name === "awaitTextract");
          // The first look has found the job at work, and the next one is an hour away.
          expect(waiting?.lastFailure?.message).toContain("at work");
          return job?.jobId ?? expect.fail("no job");
        },
        { timeout: 60_000, interval: 50 },
      ),
    mayEnd: () => s3.forget(document.key),
    result: () => handle.result(),
  };
}

const complete = { status: "complete", textractJobs: 1, pages: 4, storedPages: 4 };

async function outcomes(outcome: string): Promise<number> {
  const text = await (await fetch(`${health}/metrics`)).text();
  return Number(
    new RegExp(`^docket_notifications_total\\{.*outcome="${outcome}".*\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0,
  );
}

const eventually = (look: () => Promise<void>) => vi.waitFor(look, { timeout: 60_000, interval: 50 });

/** The first Start is taken and its answer lost; the next ones are throttled, until the faults are cleared. */
const takenUnseen = [
  { kind: "reset-after", operation: "StartDocumentTextDetection" },
  { kind: "throttle", operation: "StartDocumentTextDetection", count: 1000 },
];
const clearFaults = () => fetch(`${endpoint.address}/faults`, { method: "DELETE" });
const usedUp = (kind: string) =>
  eventually(async () => {
    const { faults } = (await (await fetch(`${endpoint.address}/faults`)).json()) as { faults: { kind: string }[] };
    expect(faults.map((fault) => fault.kind)).not.toContain(kind);
  });

describe("a document whose poll is slow", () => {
  it("looks when the notification comes, although its next look was an hour away", async () => {
    const document = await handIn(held);
    const jobId = await document.waits();
    document.mayEnd();
    expect(await document.result()).toMatchObject(complete);
    const { events = [] } = await document.handle.fetchHistory();
    const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
    expect(signals.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName)).toEqual([
      "textractFinished",
    ]);
    expect(await document.jobs()).toMatchObject([
      { jobId, notificationTopicArn: topic.topicArn, notificationRoleArn: roleArn },
    ]);
  });

  it("a late notification wakes it late", async () => {
    const document = await handIn(held, { kind: "late-notification", milliseconds: 2000 });
    await document.waits();
    document.mayEnd();
    expect(await document.result()).toMatchObject(complete);
  });

  it("a doubled notification changes nothing, and the queue is empty afterwards", async () => {
    const before = (await outcomes("woken")) + (await outcomes("late"));
    const document = await handIn(held, { kind: "doubled-notification" });
    await document.waits();
    document.mayEnd();
    expect(await document.result()).toMatchObject(complete);
    await eventually(async () => expect((await outcomes("woken")) + (await outcomes("late"))).toBe(before + 2));
    expect(await topic.count()).toEqual({ visible: 0, inFlight: 0 });
  });

  it("one with the id of a job that never was changes nothing and is left to the queue's own rules", async () => {
    const before = await outcomes("unknown");
    const document = await handIn(held, { kind: "forged-notification" });
    await document.waits();
    document.mayEnd();
    expect(await document.result()).toMatchObject(complete);
    await eventually(async () => expect(await outcomes("unknown")).toBe(before + 1));
    expect(await topic.count()).toEqual({ visible: 0, inFlight: 1 });
  });

  it("one that says too early that the job has ended makes the document look, and go on waiting", async () => {
    const document = await handIn(held);
    const jobId = await document.waits();
    await topic.send({ JobId: jobId, Status: "FAILED" });
    await eventually(async () => {
      const { events } = await document.handle.fetchHistory();
      const looks = events?.filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === "awaitTextract",
      );
      expect(looks?.length).toBeGreaterThanOrEqual(2);
    });
    await document.waits();
    document.mayEnd();
    expect(await document.result()).toMatchObject(complete);
  });

  it("raw delivery, without the envelope, wakes it as well", async () => {
    const document = await handIn(held, { kind: "lost-notification" });
    const jobId = await document.waits();
    document.mayEnd();
    await eventually(async () => expect(await endpoint.ledger()).toContainEqual(expect.objectContaining({ jobId })));
    await usedUp("lost-notification");
    await topic.send({ JobId: jobId, Status: "SUCCEEDED", API: "StartDocumentTextDetection" });
    expect(await document.result()).toMatchObject(complete);
  });

  it("a Start that is repeated, for which no notification is ever sent, finds its job ended and completes", async () => {
    const document = await handIn(...takenUnseen, { kind: "lost-notification" });
    await usedUp("lost-notification");
    await clearFaults();
    expect(await document.result()).toMatchObject(complete);
    const [job] = await document.jobs();
    const billed = (await endpoint.ledger()).filter((line) => "key" in line && line.key === document.key);
    expect(billed).toMatchObject([{ jobId: job?.jobId }]);
    const { events } = await document.handle.fetchHistory();
    expect(events?.some((event) => event.workflowExecutionSignaledEventAttributes)).toBe(false);
  });

  it("one that comes before the job's id is in the ledger is kept for later", async () => {
    const document = await handIn(...takenUnseen);
    await eventually(async () => {
      const { events } = await document.handle.fetchHistory();
      expect(events?.some((event) => event.workflowExecutionSignaledEventAttributes)).toBe(true);
    });
    await clearFaults();
    expect(await document.result()).toMatchObject(complete);
    const { events } = await document.handle.fetchHistory();
    const names = events?.map(
      (event) =>
        event.workflowExecutionSignaledEventAttributes?.signalName ??
        event.activityTaskScheduledEventAttributes?.activityType?.name,
    );
    expect(names?.indexOf("textractFinished")).toBeGreaterThan(0);
    expect(names?.indexOf("textractFinished")).toBeLessThan(names?.indexOf("awaitTextract") ?? -1);
  });
});

it("a notification for a document that has ended changes nothing and is deleted", async () => {
  const document = await handIn();
  await document.result();
  const [job] = await document.jobs();
  const before = { late: await outcomes("late"), history: (await document.handle.describe()).historyLength };
  const row = await stack.database.document.findFirst({ where: { key: document.key } });
  const inFlight = (await topic.count()).inFlight;
  await topic.send({ JobId: job?.jobId, Status: "FAILED", JobTag: job?.documentId });
  await eventually(async () => expect(await outcomes("late")).toBeGreaterThan(before.late));
  expect(await stack.database.document.findFirst({ where: { key: document.key } })).toEqual(row);
  expect((await document.handle.describe()).historyLength).toBe(before.history);
  await eventually(async () => expect((await topic.count()).inFlight).toBeLessThanOrEqual(inFlight));
});

it("what is no notification at all is left alone at first, and deleted when it came ten times", async () => {
  // Out of the worker's sight until the test has received it nine times.
  await worker.stop();
  const bodies = ["no JSON", "[1]", '{"Message":"{}"}', '{"JobId":"../../etc"}', '{"Message":{"JobId":"x"}}', "null"];
  for (const body of bodies) await topic.send(body);
  for (let receive = 1; receive <= 9; receive++) {
    expect((await topic.receive({ visibility: 0 })).length).toBeGreaterThanOrEqual(bodies.length);
  }
  await topic.send("new");
  const port = await freePort([]);
  health = `http://127.0.0.1:${port}`;
  worker = await startNotified({ DOCKET_HEALTH_PORT: String(port) });
  await eventually(async () => expect(await outcomes("unreadable")).toBe(bodies.length + 1));
  const left = await topic.count();
  // The forged ones of the tests before are among what is left.
  expect(left.visible).toBe(0);
  expect(left.inFlight).toBeLessThan(bodies.length);
});

it("an attempt keeps its topic when the setting changes between two tries of it", async () => {
  const document = await handIn(...takenUnseen, held);
  await eventually(async () => {
    const { pendingActivities } = (await document.handle.describe()).raw;
    expect(pendingActivities?.[0]?.lastFailure?.message).toContain("Provisioned rate exceeded");
  });
  await worker.stop();
  const other = makeTopic(endpoint.address);
  worker = await startNotified({ DOCKET_TEXTRACT_TOPIC_ARN: other.topicArn });
  await clearFaults();
  const jobId = await document.waits();
  // Other parameters under the same token would have been refused.
  expect(await document.jobs()).toMatchObject([{ jobId, state: "submitted", notificationTopicArn: topic.topicArn }]);
  await document.handle.cancel();
  await expect(document.result()).rejects.toThrow();
  document.mayEnd();
});

it("an attempt that was denied is asked for with the topic that is set by now, unless Textract took it with the one before", async () => {
  await worker.stop();
  worker = await startNotified();
  const denied = { kind: "error", name: "AccessDeniedException", message: "no iam:PassRole", operation: start };
  const documents = [await handIn(denied), await handIn({ kind: "reset-after", operation: start }, denied)];
  for (const { result } of documents) await expect(result()).rejects.toMatchObject({ cause: { type: "AccessDenied" } });

  await worker.stop();
  const other = makeTopic(endpoint.address);
  worker = await startNotified({
    DOCKET_TEXTRACT_TOPIC_ARN: other.topicArn,
    DOCKET_NOTIFICATION_QUEUE_URL: other.queueUrl,
  });
  for (const { again } of documents) expect(await again()).toMatchObject(complete);
  expect(await documents[0]?.jobs()).toMatchObject([{ state: "succeeded", notificationTopicArn: other.topicArn }]);
  expect(await documents[1]?.jobs()).toMatchObject([{ state: "succeeded", notificationTopicArn: topic.topicArn }]);
  for (const { key } of documents) {
    expect((await endpoint.ledger()).filter((line) => "key" in line && line.key === key)).toHaveLength(1);
  }
});

it("without a queue that answers a document is polled, and the worker is healthy and says so", async () => {
  await worker.stop();
  const port = await freePort([]);
  health = `http://127.0.0.1:${port}`;
  worker = await startNotified({
    DOCKET_HEALTH_PORT: String(port),
    DOCKET_NOTIFICATION_QUEUE_URL: `http://127.0.0.1:${await freePort([])}/123456789012/away`,
    DOCKET_TEXTRACT_NOTIFIED_POLL_SECONDS: "1",
  });
  const document = await handIn(held);
  await document.waits();
  document.mayEnd();
  expect(await document.result()).toMatchObject(complete);
  expect(await (await fetch(`${health}/healthz`)).json()).toMatchObject({
    healthy: true,
    notifications: expect.stringContaining("ECONNREFUSED"),
  });
  expect(await (await fetch(`${health}/metrics`)).text()).toMatch(/^docket_notification_queue_up\{.*\} 0$/m);
  expect((await document.handle.fetchHistory()).events?.some((e) => e.workflowExecutionSignaledEventAttributes)).toBe(
    false,
  );
});

it("a topic of another region is not named to Textract", async () => {
  await worker.stop();
  worker = await startNotified({
    DOCKET_TEXTRACT_TOPIC_ARN: `arn:aws:sns:eu-west-1:123456789012:elsewhere`,
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
  });
  const document = await handIn();
  expect(await document.result()).toMatchObject(complete);
  expect(await document.jobs()).toMatchObject([{ region, notificationTopicArn: null }]);
});
