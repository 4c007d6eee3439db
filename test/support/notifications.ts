import { randomUUID } from "node:crypto";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { region, sharedS3 } from "./local-textract.ts";

export const roleArn = "arn:aws:iam::123456789012:role/textract-may-publish";

/** A topic of its own, and a client of the queue that the endpoint subscribes to it. */
export function makeTopic(endpoint: string, name = `topic-${randomUUID().slice(0, 8)}`) {
  const topicArn = `arn:aws:sns:${region}:123456789012:${name}`;
  const QueueUrl = `${endpoint}/123456789012/${name}`;
  const client = new SQSClient({ endpoint, region, maxAttempts: 1, credentials: sharedS3().credentials });
  return {
    name,
    topicArn,
    queueUrl: QueueUrl,
    client,
    send: (body: unknown) =>
      client.send(
        new SendMessageCommand({ QueueUrl, MessageBody: typeof body === "string" ? body : JSON.stringify(body) }),
      ),
    async receive(options: { wait?: number; visibility?: number; maximum?: number } = {}) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: options.maximum ?? 10,
          WaitTimeSeconds: options.wait ?? 0,
          VisibilityTimeout: options.visibility ?? 30,
          MessageSystemAttributeNames: ["All"],
        }),
      );
      return Messages;
    },
    remove: (ReceiptHandle: string | undefined) =>
      client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: ReceiptHandle ?? "" })),
    /** Messages that are visible, and those that somebody has in hand. */
    async count() {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
      );
      return {
        visible: Number(Attributes.ApproximateNumberOfMessages),
        inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
      };
    },
  };
}
