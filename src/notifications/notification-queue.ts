import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

export interface QueueMessage {
  body: string;
  receiptHandle: string;
  /** 1 for the first time that anybody receives it. */
  receiveCount: number;
}

/** An SQS queue as its reader sees it. */
export interface NotificationQueue {
  /** Up to ten messages; waits up to 20 seconds for the first. */
  receive(signal: AbortSignal): Promise<QueueMessage[]>;
  delete(message: QueueMessage): Promise<void>;
  close(): void;
}

const waitSeconds = 20;
const silentMilliseconds = (waitSeconds + 10) * 1000;

/** The SDK's own retries are off: the reader goes on with the next look, and says that the queue is away. */
export function createNotificationQueue(options: { queueUrl: string; region: string }): NotificationQueue {
  const { queueUrl, region } = options;
  const client = new SQSClient({
    region,
    endpoint: new URL(queueUrl).origin,
    maxAttempts: 1,
    // Milliseconds. A long poll must not be taken for a server that is silent; the body's silence is the socket's.
    requestHandler: {
      connectionTimeout: 5000,
      requestTimeout: silentMilliseconds,
      socketTimeout: silentMilliseconds,
      throwOnRequestTimeout: true,
    },
  });
  return {
    async receive(signal) {
      const command = new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount"],
      });
      const { Messages = [] } = await client.send(command, { abortSignal: signal });
      return Messages.map((message) => ({
        body: message.Body ?? "",
        receiptHandle: message.ReceiptHandle ?? "",
        receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
      }));
    },
    async delete({ receiptHandle }) {
      await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle }));
    },
    close: () => client.destroy(),
  };
}
