import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeBucket, readJob, refusal, region, startEndpoint, startText } from "./support/local-textract.ts";
import { makeTopic, roleArn } from "./support/notifications.ts";

let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let location: { S3Object: { Bucket: string; Name: string } };

beforeAll(async () => {
  endpoint = await startEndpoint();
  location = await (await makeBucket()).put("agreement.pdf", await readFile("samples/service-agreement.pdf"));
});
afterAll(() => endpoint.end());

const startNotified = (topicArn: string, extra: object = {}) =>
  startText(endpoint.client, location, { NotificationChannel: { SNSTopicArn: topicArn, RoleArn: roleArn }, ...extra });

it("tells the end of a job as SNS would, when the end can be asked for", async () => {
  const topic = makeTopic(endpoint.address);
  const before = Date.now();
  const jobId = await startNotified(topic.topicArn, { JobTag: "my-tag" });
  const [message, ...others] = await topic.receive({ wait: 20 });
  expect(others).toEqual([]);
  expect(message?.Attributes).toMatchObject({ ApproximateReceiveCount: "1" });
  const envelope = JSON.parse(message?.Body ?? "");
  expect(envelope).toMatchObject({ Type: "Notification", TopicArn: topic.topicArn });
  const body = JSON.parse(envelope.Message);
  expect(body).toEqual({
    JobId: jobId,
    Status: "SUCCEEDED",
    API: "StartDocumentTextDetection",
    JobTag: "my-tag",
    Timestamp: expect.any(Number),
    DocumentLocation: { S3ObjectName: location.S3Object.Name, S3Bucket: location.S3Object.Bucket },
  });
  expect(body.Timestamp).toBeGreaterThanOrEqual(before);
  expect((await readJob(endpoint.client, jobId)).ended.JobStatus).toBe("SUCCEEDED");
});

it("a repeated Start sends nothing", async () => {
  const topic = makeTopic(endpoint.address);
  const token = { ClientRequestToken: "repeated" };
  const jobId = await startNotified(topic.topicArn, token);
  const [message] = await topic.receive({ wait: 20 });
  await topic.remove(message?.ReceiptHandle);
  expect(await startNotified(topic.topicArn, token)).toBe(jobId);
  expect(await topic.receive({ wait: 1 })).toEqual([]);
  expect(await topic.count()).toEqual({ visible: 0, inFlight: 0 });
});

it("a message that is not deleted comes again, and a deleted one does not", async () => {
  const topic = makeTopic(endpoint.address);
  await topic.send("once more");
  const [first] = await topic.receive({ visibility: 5 });
  expect(await topic.receive()).toEqual([]);
  expect(await topic.count()).toEqual({ visible: 0, inFlight: 1 });
  const [second] = await topic.receive({ wait: 20 });
  expect(second).toMatchObject({ MessageId: first?.MessageId, Body: "once more" });
  expect(second?.Attributes).toMatchObject({ ApproximateReceiveCount: "2" });
  await topic.remove(first?.ReceiptHandle);
  expect(await topic.count()).toEqual({ visible: 0, inFlight: 0 });
});

it("ends a long poll as soon as a message is there", async () => {
  const topic = makeTopic(endpoint.address);
  const waiting = topic.receive({ wait: 20 });
  await topic.send("now");
  expect(await waiting).toMatchObject([{ Body: "now" }]);
});

it("refuses queues that cannot be, handles of its own making, and wrong signatures", async () => {
  const topic = makeTopic(endpoint.address);
  expect(await refusal(topic.remove("made up"))).toMatchObject({ name: "ReceiptHandleIsInvalid", status: 400 });
  expect(await refusal(topic.receive({ maximum: 11 }))).toMatchObject({ status: 400 });
  const unsigned = { method: "POST", headers: { "x-amz-target": "AmazonSQS.ReceiveMessage" }, body: "{}" };
  const answer = await fetch(endpoint.address, unsigned);
  expect(await answer.json()).toMatchObject({ __type: "com.amazonaws.sqs#MissingAuthenticationTokenException" });
});

it("messages, and ends that were not told yet, outlast a restart", async () => {
  const topic = makeTopic(endpoint.address);
  await topic.send("kept");
  await topic.receive();
  await endpoint.fault({ kind: "late-notification", milliseconds: 600_000 });
  const jobId = await startNotified(topic.topicArn);
  await readJob(endpoint.client, jobId);
  const { dataFolder } = endpoint;
  await endpoint.stop();
  endpoint = await startEndpoint({ dataFolder, region });
  const bodies = (await makeTopic(endpoint.address, topic.name).receive()).map(({ Body }) => Body);
  expect(bodies).toEqual(["kept", expect.stringContaining(jobId)]);
});
