import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Config } from "../config.ts";
import { type TextractFinished, textractFinishedSignal } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { createNotificationQueue } from "../notifications/notification-queue.ts";
import { type NotificationReader, startNotificationReader } from "../notifications/notification-reader.ts";
import { signalWorkflow } from "./signal-workflow.ts";

const signalMilliseconds = 10_000;

/** Reads the configured queue in this worker process, with metrics of its own; null where no queue is configured. */
export function readNotifications(ports: {
  config: Config;
  client: Client;
  database: Database;
  registry: Registry;
  logger: Logger;
}): NotificationReader | null {
  const { config, client, registry } = ports;
  const { queueUrl, region } = config.notifications;
  if (queueUrl === undefined) return null;
  const outcomes = new Counter({
    name: "docket_notifications_total",
    help: "Messages of the notification queue by outcome: woken, late, unknown, unreadable, failed.",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const reader = startNotificationReader({
    ...ports,
    queue: createNotificationQueue({ queueUrl, region }),
    wake: (workflowId, jobId) => {
      const finished: TextractFinished = { jobId };
      const signal = { name: textractFinishedSignal, args: [finished], milliseconds: signalMilliseconds };
      return signalWorkflow(client, workflowId, signal);
    },
    observe: (outcome) => outcomes.inc({ outcome }),
  });
  new Gauge({
    name: "docket_notification_queue_up",
    help: "1 while the notification queue answers, 0 while documents have their polls alone.",
    registers: [registry],
    collect() {
      this.set(reader.problem() === null ? 1 : 0);
    },
  });
  return reader;
}
