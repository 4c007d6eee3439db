import { Client, WorkflowNotFoundError } from "@temporalio/client";
import type { NativeConnection } from "@temporalio/worker";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Config } from "../config.ts";
import { type TextractFinished, textractFinishedSignal } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { createNotificationQueue } from "../notifications/notification-queue.ts";
import { type NotificationReader, startNotificationReader } from "../notifications/notification-reader.ts";
import { dataConverterOf } from "../payloads/data-converter.ts";

const signalMilliseconds = 10_000;

/** Reads the configured queue in this worker process, with metrics of its own; null where no queue is configured. */
export function readNotifications(ports: {
  config: Config;
  connection: NativeConnection;
  database: Database;
  registry: Registry;
  logger: Logger;
}): NotificationReader | null {
  const { config, connection, registry } = ports;
  const { queueUrl, region } = config.notifications;
  if (queueUrl === undefined) return null;
  const outcomes = new Counter({
    name: "docket_notifications_total",
    help: "Messages of the notification queue by outcome: woken, late, unknown, unreadable, failed.",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: dataConverterOf(config.temporal.payloadKeys),
  });
  const reader = startNotificationReader({
    ...ports,
    queue: createNotificationQueue({ queueUrl, region }),
    wake: (workflowId, jobId) => wake(client, workflowId, { jobId }),
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

async function wake(client: Client, workflowId: string, finished: TextractFinished): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + signalMilliseconds, () =>
      client.workflow.getHandle(workflowId).signal<[TextractFinished]>(textractFinishedSignal, finished),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
