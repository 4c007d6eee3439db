import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Database } from "../database/client.ts";
import { findWaitingDocument } from "./find-waiting-document.ts";
import type { NotificationQueue, QueueMessage } from "./notification-queue.ts";
import { parseNotification } from "./parse-notification.ts";

/**
 * What became of a message: `woken`, its document looks at the job now; `late`, nobody waits for it any more; `unknown`
 * job; `unreadable`; `failed`, the database or Temporal did not answer.
 */
export type NotificationOutcome = "woken" | "late" | "unknown" | "unreadable" | "failed";

export interface NotificationReader {
  /** The queue's last error; null while it answers. */
  problem(): string | null;
  /** Leaves what is in hand to be received again. */
  stop(): Promise<void>;
}

/** Pause after the queue did not answer, milliseconds. */
const pauseMilliseconds = 5000;
/** A message that is of no use this often is deleted; a dead-letter queue with a lower count gets it before. */
const maxReceives = 10;

/**
 * Reads the queue until it is stopped, ten messages at a time, and wakes the documents that they are for. Everything
 * here only makes documents quicker: what is lost, late, doubled or false changes nothing, because a document looks at
 * its job itself, and believes Textract alone. So nothing that goes wrong here may end the worker.
 * @param ports.wake tells a workflow to look at the job; false where no such workflow runs
 * @param ports.observe counts outcomes
 */
export function startNotificationReader(ports: {
  queue: NotificationQueue;
  database: Database;
  wake(workflowId: string, jobId: string): Promise<boolean>;
  observe(outcome: NotificationOutcome): void;
  logger: Logger;
}): NotificationReader {
  const { queue, logger } = ports;
  const stopping = new AbortController();
  const { signal } = stopping;
  let problem: string | null = null;
  const reading = read();
  return {
    problem: () => problem,
    async stop() {
      stopping.abort();
      await reading;
      queue.close();
    },
  };

  async function read(): Promise<void> {
    while (!signal.aborted) {
      const messages = await queue.receive(signal).then(answered, unanswered);
      await Promise.all(messages.map(settle));
      // No retry of a failed step: the queue is asked again and again as long as the worker runs, and this keeps the
      // worker from doing nothing else while it is away.
      if (problem !== null) await delay(pauseMilliseconds, undefined, { signal }).catch(() => {});
    }
  }

  function answered(messages: QueueMessage[]): QueueMessage[] {
    if (problem !== null) logger.info("the notification queue answers again");
    problem = null;
    return messages;
  }

  function unanswered(error: Error): QueueMessage[] {
    if (signal.aborted) return [];
    const message = `${error.name}: ${error.message}`;
    if (problem === null) logger.warn({ err: message }, "the notification queue does not answer; documents are polled");
    problem = message;
    return [];
  }

  async function settle(message: QueueMessage): Promise<void> {
    let outcome: NotificationOutcome = "failed";
    try {
      outcome = await handle(message);
      const useless = outcome === "unknown" || outcome === "unreadable";
      if (useless) logger.warn({ outcome, receiveCount: message.receiveCount }, "a notification that is of no use");
      if (!useless || message.receiveCount >= maxReceives) await queue.delete(message);
    } catch (error) {
      // It is not deleted, so it comes again; a second signal for the same job is one look more.
      logger.warn({ err: (error as Error).message }, "a notification could not be handled and will come again");
    }
    ports.observe(outcome);
  }

  async function handle({ body }: QueueMessage): Promise<NotificationOutcome> {
    const notification = parseNotification(body);
    if (notification === null) return "unreadable";
    const addressee = await findWaitingDocument(ports.database, notification);
    if (addressee === "unknown") return "unknown";
    if (addressee === "ended") return "late";
    return (await ports.wake(addressee.workflowId, notification.jobId)) ? "woken" : "late";
  }
}
