import { createHash } from "node:crypto";
import { z } from "zod";
import type { MessageQueues } from "./message-queues.ts";
import { TextractError } from "./textract-error.ts";

// Shapes of the official service model (sqs/2012-11-05), as far as they are served.
const queueUrl = { QueueUrl: z.string().min(1) };
const names = z.array(z.string()).default([]);
const shapes = {
  SendMessage: z.object({ ...queueUrl, MessageBody: z.string().min(1).max(1_048_576) }),
  ReceiveMessage: z.object({
    ...queueUrl,
    MaxNumberOfMessages: z.int().min(1).max(10).default(1),
    WaitTimeSeconds: z.int().min(0).max(20).default(0),
    VisibilityTimeout: z.int().min(0).max(43_200).default(30),
    AttributeNames: names,
    MessageSystemAttributeNames: names,
  }),
  DeleteMessage: z.object({ ...queueUrl, ReceiptHandle: z.string().min(1) }),
  GetQueueAttributes: z.object({ ...queueUrl, AttributeNames: names }),
};
type QueueOperation = keyof typeof shapes;

/** The operations of SQS that a reader of notifications needs; each gives the output of the model's shape. */
export function createQueueOperations(ports: { queues: MessageQueues; region: string }) {
  return async function run(operation: string, input: Record<string, unknown>, signal: AbortSignal): Promise<object> {
    switch (servedQueueOperation(operation)) {
      case "SendMessage": {
        const { QueueUrl, MessageBody } = parse("SendMessage", input);
        const MD5OfMessageBody = createHash("md5").update(MessageBody).digest("hex");
        return { MessageId: await ports.queues.send(queueOf(QueueUrl).key, MessageBody), MD5OfMessageBody };
      }
      case "ReceiveMessage":
        return receive(parse("ReceiveMessage", input), signal);
      case "DeleteMessage": {
        const { QueueUrl, ReceiptHandle } = parse("DeleteMessage", input);
        if (await ports.queues.delete(queueOf(QueueUrl).key, ReceiptHandle)) return {};
        throw new TextractError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
      }
      case "GetQueueAttributes":
        return { Attributes: attributes(parse("GetQueueAttributes", input)) };
    }
  };

  async function receive(request: z.infer<typeof shapes.ReceiveMessage>, signal: AbortSignal): Promise<object> {
    const received = await ports.queues.receive(queueOf(request.QueueUrl).key, {
      maximum: request.MaxNumberOfMessages,
      waitMilliseconds: request.WaitTimeSeconds * 1000,
      visibilityMilliseconds: request.VisibilityTimeout * 1000,
      signal,
    });
    const wanted = wantedOf([...request.AttributeNames, ...request.MessageSystemAttributeNames]);
    const Messages = received.map((message) => ({
      MessageId: message.messageId,
      ReceiptHandle: message.receiptHandle,
      MD5OfBody: message.md5OfBody,
      Body: message.body,
      Attributes: wanted({
        ApproximateReceiveCount: String(message.receiveCount),
        SentTimestamp: String(message.sentAt),
      }),
    }));
    // SQS leaves the member out where there is nothing.
    return Messages.length === 0 ? {} : { Messages };
  }

  function attributes(request: z.infer<typeof shapes.GetQueueAttributes>): Record<string, string> {
    const { key, account, name } = queueOf(request.QueueUrl);
    const { visible, inFlight } = ports.queues.count(key);
    return wantedOf(request.AttributeNames)({
      QueueArn: `arn:aws:sqs:${ports.region}:${account}:${name}`,
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(inFlight),
      VisibilityTimeout: "30",
      MessageRetentionPeriod: String(4 * 24 * 3600),
    });
  }
}

/** The queue that is subscribed to a topic: of the same account and name. */
export function queueOfTopic(topicArn: string): string {
  const [, , , , account = "", ...name] = topicArn.split(":");
  return `${account}/${name.join(":")}`;
}

function queueOf(url: string): { key: string; account: string; name: string } {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  const [, account, name] = /^\/(\d{12})\/([a-zA-Z0-9_-]{1,80})$/.exec(path) ?? [];
  if (account === undefined || name === undefined) {
    throw new TextractError("QueueDoesNotExist", "The specified queue does not exist.");
  }
  return { key: `${account}/${name}`, account, name };
}

function wantedOf(names: readonly string[]) {
  return (all: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => names.includes("All") || names.includes(name)));
}

function servedQueueOperation(name: string): QueueOperation {
  if (Object.hasOwn(shapes, name)) return name as QueueOperation;
  throw new TextractError("UnknownOperationException", `The local endpoint does not serve SQS' ${name}.`);
}

function parse<Name extends QueueOperation>(name: Name, input: Record<string, unknown>) {
  const parsed = shapes[name].safeParse(input);
  if (parsed.success) return parsed.data as z.infer<(typeof shapes)[Name]>;
  const [issue] = parsed.error.issues;
  throw new TextractError("InvalidParameterValueException", `${issue?.path.join(".")}: ${issue?.message}`);
}
