import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, TimeoutFailure, WorkflowFailedError, type WorkflowHandle } from "@temporalio/client";
import { DocketError, type Failure, failureTable, isFailureType } from "../contract/failures.ts";
import { taskQueues } from "../contract/process-document.ts";
import { type DeliverWebhookInput, deliverWebhookType, type WebhookDelivered } from "../contract/webhook.ts";
import type { Database } from "../database/client.ts";
import { listWebhooks, type WebhookRecord } from "../database/webhooks.ts";
import type { Services } from "./connect.ts";
import { readWorkflowStage } from "./workflow-stage.ts";

/**
 * Finds the webhook that a person means, by its id or its address.
 * @throws {DocketError} `InvalidInput` for none, and for an address that several projects have
 */
export async function resolveWebhook(
  database: Database,
  reference: string,
  project: string | undefined,
): Promise<WebhookRecord> {
  const address = URL.canParse(reference) ? new URL(reference).href : reference;
  const isMeant = ({ id, url }: WebhookRecord) => [id, url].includes(reference) || url === address;
  const found = (await listWebhooks(database, project)).filter(isMeant);
  const [first] = found;
  if (found.length === 1 && first !== undefined) return first;
  const problem = found.length === 0 ? `There is no webhook ${reference}.` : `${reference} is of several projects.`;
  throw new DocketError("InvalidInput", problem, {
    remedy: "`docket webhook list` shows the ids; --project chooses among projects.",
  });
}

/**
 * Has a worker post a test event, and waits for the answer.
 * @throws {DocketError} `WebhookUnanswered`, also where no worker takes it; `WebhookRefused`
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
  const handle = await temporal.workflow.start(deliverWebhookType, {
    workflowId: `webhook/${eventId}`,
    taskQueue: taskQueues.documents,
    args: [input],
    workflowExecutionTimeout: "2 minutes",
  });
  const answered = new AbortController();
  try {
    const result = handle.result().finally(() => answered.abort());
    return (await Promise.race([result, untilNobodyTakesIt(temporal, handle, answered.signal)])) as WebhookDelivered;
  } catch (error) {
    if (error instanceof DocketError) {
      // Nothing is to be posted later, when nobody waits for it any more.
      await handle.terminate(error.message).catch(() => undefined);
      throw error;
    }
    const cause = error instanceof WorkflowFailedError ? (error.cause as { type?: string; details?: unknown[] }) : null;
    if (cause instanceof TimeoutFailure) throw untaken("a worker that does its work", error);
    if (cause === null || !isFailureType(cause.type)) throw error;
    const [detail] = (cause.details ?? []) as [Failure?];
    const remedy = detail?.remedy ?? failureTable[cause.type].remedy;
    throw new DocketError(cause.type, detail?.message ?? "The webhook could not be told.", { remedy, cause: error });
  }
}

/** A worker that is there takes a test at once. */
const takenMilliseconds = 10_000;

/**
 * Fails when no worker has taken the test for some time.
 * @param answered when there is nothing to wait for any more
 */
async function untilNobodyTakesIt(temporal: Client, handle: WorkflowHandle, answered: AbortSignal): Promise<never> {
  await sleep(takenMilliseconds, undefined, { signal: answered });
  const waitingFor = (await readWorkflowStage(temporal, handle.workflowId))?.waitingFor ?? null;
  // Taken: its own timeouts end it.
  if (waitingFor === null) return new Promise<never>(() => {});
  throw untaken(waitingFor);
}

function untaken(waitingFor: string, cause?: unknown): DocketError {
  return new DocketError("WebhookUnanswered", `No worker has posted the test event: it waits for ${waitingFor}.`, {
    remedy: "Start a worker that serves documents (`docket worker --queues documents`), then test again.",
    cause,
  });
}
