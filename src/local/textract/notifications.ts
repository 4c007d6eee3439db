import { randomBytes, randomUUID } from "node:crypto";
import type { Faults } from "./faults.ts";
import type { JobStore } from "./job-store.ts";
import type { MessageQueues } from "./message-queues.ts";
import { queueOfTopic } from "./queue-operations.ts";
import { jobStatus, type TextractJob } from "./textract-job.ts";

/** Tells the ends of jobs to the queues that are subscribed to their topics. */
export interface Notifications {
  /** Tells of a job that has ended; nothing where its Start named no topic. */
  jobEnded(job: TextractJob): Promise<void>;
  /** Forgets what was to be sent late; it is sent at the next start. */
  stop(): void;
}

/**
 * Each notification is sent when the job's end can be asked for, and once: a crash between the two is made good at the
 * next start, by {@link JobStore.unnotified}. A repeated Start, which runs nothing, sends nothing.
 */
export function createNotifications(ports: {
  jobs: JobStore;
  queues: MessageQueues;
  faults: Faults;
  onError(error: unknown): void;
}): Notifications {
  const late = new Set<NodeJS.Timeout>();
  return {
    async jobEnded(job) {
      const { notificationChannel: channel } = job;
      if (channel === undefined) return;
      const fault = ports.faults.takeForNotification(job.operation, job.document.key);
      if (fault?.kind === "late-notification") {
        const timer = setTimeout(() => {
          late.delete(timer);
          tell(job, channel.SNSTopicArn).catch(ports.onError);
        }, fault.milliseconds);
        late.add(timer);
        return;
      }
      if (fault?.kind === "lost-notification") return ports.jobs.notified(job);
      if (fault?.kind === "forged-notification") {
        await send({ ...job, jobId: randomBytes(32).toString("hex") }, channel.SNSTopicArn);
      }
      if (fault?.kind === "doubled-notification") await send(job, channel.SNSTopicArn);
      await tell(job, channel.SNSTopicArn);
    },
    stop() {
      for (const timer of late) clearTimeout(timer);
    },
  };

  async function tell(job: TextractJob, topicArn: string): Promise<void> {
    await send(job, topicArn);
    await ports.jobs.notified(job);
  }

  async function send(job: TextractJob, topicArn: string): Promise<void> {
    await ports.queues.send(queueOfTopic(topicArn), JSON.stringify(envelope(topicArn, messageOf(job))));
  }
}

/** What Textract publishes (developer guide, "Amazon Textract results notification"). */
function messageOf(job: TextractJob): object {
  return {
    JobId: job.jobId,
    Status: jobStatus(job),
    API: job.operation,
    ...(job.jobTag === undefined ? {} : { JobTag: job.jobTag }),
    Timestamp: job.end?.finishedAt ?? Date.now(),
    DocumentLocation: { S3ObjectName: job.document.key, S3Bucket: job.document.bucket },
  };
}

/** As SNS delivers to SQS, but for the signature: there is no certificate of Amazon's here to sign with. */
function envelope(topicArn: string, message: object): object {
  return {
    Type: "Notification",
    MessageId: randomUUID(),
    TopicArn: topicArn,
    Message: JSON.stringify(message),
    Timestamp: new Date().toISOString(),
  };
}
