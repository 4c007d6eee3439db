import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import {
  CancellationScope,
  ParentClosePolicy,
  proxyActivities,
  setWorkflowOptions,
  startChild,
  workflowInfo,
} from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { taskQueues } from "../contract/process-document.ts";
import {
  type DeliverWebhookInput,
  type DocumentEnded,
  deliverWebhookType,
  type WebhookDelivered,
  type WebhookEventType,
  webhookEventTypes,
} from "../contract/webhook.ts";
import { failureOf, toWorkflowFailure } from "./document-failure.ts";
import { type FieldRule, isUuid, requireInput, text, uuid } from "./require-input.ts";
import { retryPolicies } from "./retry-policies.ts";
import { versionedAs } from "./versioning.ts";

// A receiver may be away for days: no old version is kept for it
// (docs/decisions/0030-documents-keep-their-version.md).
setWorkflowOptions(versionedAs("AUTO_UPGRADE"), deliverWebhook);

/** Tells one webhook of one event; a receiver that does not answer is tried for days. */
export async function deliverWebhook(input: DeliverWebhookInput): Promise<WebhookDelivered> {
  requireInput(input, fields, { additions: true });
  const isTest = input.type === "docket.webhook.test";
  const { postWebhook } = proxyActivities<Activities>({
    ...(isTest ? retryPolicies.webhookTest : retryPolicies.webhook),
    // One receiver that hangs keeps no other's posts back.
    priority: { fairnessKey: input.webhookId },
    summary: input.type,
  });
  try {
    return await postWebhook(input);
  } catch (error) {
    throw toWorkflowFailure(failureOf(error), input.ended?.documentId ?? null);
  }
}

const fields: Record<keyof DeliverWebhookInput, FieldRule> = {
  webhookId: uuid,
  eventId: text,
  type: {
    holds: (value) => (webhookEventTypes as readonly unknown[]).includes(value),
    must: `must be one of ${webhookEventTypes.join(", ")}`,
  },
  time: { holds: (value) => !Number.isNaN(Date.parse(String(value))), must: "must be a time, as ISO 8601 writes it" },
  ended: {
    holds: (value) => value === null || isUuid((value as DocumentEnded | undefined)?.documentId),
    must: "must be null, or name a document",
  },
};

/**
 * Starts the deliveries of a document's end. They are workflows of their own, which the document does not wait for.
 * @param webhooks undefined in the histories of versions that knew none
 */
export async function tellWebhooks(webhooks: readonly string[] | undefined, ended: DocumentEnded): Promise<void> {
  if (webhooks === undefined || webhooks.length === 0) return;
  // A wish to cancel that comes now changes nothing of how the document has ended.
  await CancellationScope.nonCancellable(() => startDeliveries(webhooks, ended));
}

async function startDeliveries(webhooks: readonly string[], ended: DocumentEnded): Promise<void> {
  const { runId } = workflowInfo();
  for (const webhookId of webhooks) {
    const eventId = `${runId}_${webhookId}`;
    const input: DeliverWebhookInput = {
      webhookId,
      eventId,
      type: typeOf(ended),
      time: new Date().toISOString(),
      ended,
    };
    await startChild(deliverWebhookType, {
      workflowId: `webhook/${eventId}`,
      taskQueue: taskQueues.documents,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${input.type} ${ended.documentId}`,
    }).catch((error) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
  }
}

function typeOf({ failure }: DocumentEnded): WebhookEventType {
  if (failure === null) return "docket.document.complete";
  return (failure.missingPages?.length ?? 0) > 0 ? "docket.document.incomplete" : "docket.document.failed";
}
