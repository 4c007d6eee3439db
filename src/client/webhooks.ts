import { randomUUID } from "node:crypto";
import { WorkflowFailedError } from "@temporalio/client";
import { DocketError, type Failure, failureTable, isFailureType } from "../contract/failures.ts";
import { taskQueues } from "../contract/process-document.ts";
import { type DeliverWebhookInput, deliverWebhookType, type WebhookDelivered } from "../contract/webhook.ts";
import type { Database } from "../database/client.ts";
import { listWebhooks, type WebhookRecord } from "../database/webhooks.ts";
import type { Services } from "./connect.ts";

/**
 * Finds the webhook that a person means, by its id or its address.
 * @throws {DocketError} `InvalidInput` for none, and for an address that several projects have
 */
export async function resolveWebhook(
  database: Database,
  reference: string,
  project: string | undefined,
): Promise<WebhookRecord> {
  const found = (await listWebhooks(database, project)).filter(({ id, url }) => id === reference || url === reference);
  const [first] = found;
  if (found.length === 1 && first !== undefined) return first;
  const problem = found.length === 0 ? `There is no webhook ${reference}.` : `${reference} is of several projects.`;
  throw new DocketError("InvalidInput", problem, {
    remedy: "`docket webhook list` shows the ids; --project chooses among projects.",
  });
}

/**
 * Has a worker post a test event, and waits for the answer.
 * @throws {DocketError} `WebhookUnanswered`, `WebhookRefused`
 */
export async function testWebhook(
  { temporal }: Pick<Services, "temporal">,
  webhookId: string,
): Promise<WebhookDelivered> {
  const eventId = `test-${randomUUID()}`;
  const input: DeliverWebhookInput = {
    webhookId,
    eventId,
    type: "docket.webhook.test",
    time: new Date().toISOString(),
    ended: null,
  };
  try {
    return (await temporal.workflow.execute(deliverWebhookType, {
      workflowId: `webhook/${eventId}`,
      taskQueue: taskQueues.documents,
      args: [input],
      workflowExecutionTimeout: "2 minutes",
    })) as WebhookDelivered;
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? (error.cause as { type?: string; details?: unknown[] }) : null;
    if (cause === null || !isFailureType(cause.type)) throw error;
    const [detail] = (cause.details ?? []) as [Failure?];
    const remedy = detail?.remedy ?? failureTable[cause.type].remedy;
    throw new DocketError(cause.type, detail?.message ?? "The webhook could not be told.", { remedy, cause: error });
  }
}
