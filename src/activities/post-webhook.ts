import { cancellationSignal } from "@temporalio/activity";
import type { DeliverWebhookInput, WebhookDelivered } from "../contract/webhook.ts";
import type { Database } from "../database/client.ts";
import { cloudEvent } from "../webhooks/cloud-event.ts";
import { postEvent } from "../webhooks/post-event.ts";
import { networkList } from "../webhooks/target-address.ts";

/**
 * Posts the end of a document to a webhook, signed. One that was removed meanwhile gets nothing.
 *
 * Idempotent for the receiver: every try has the event's id (`id`, and the header `webhook-id`), so that a post which
 * was taken and not answered is known when it comes again.
 */
export function createPostWebhook(ports: { database: Database; networks: readonly string[] }) {
  const allowed = networkList(ports.networks);
  return async function postWebhook(input: DeliverWebhookInput): Promise<WebhookDelivered> {
    const webhook = await ports.database.webhook.findUnique({
      where: { id: input.webhookId },
      select: { url: true, secret: true, project: { select: { slug: true } } },
    });
    if (webhook === null) return { status: null };
    const documentId = input.ended?.documentId;
    const metadata =
      documentId === undefined ? null : await ports.database.documentMetadata.findUnique({ where: { documentId } });
    const body = cloudEvent(input, {
      project: webhook.project.slug,
      fileName: metadata?.fileName ?? null,
      source: metadata?.source ?? null,
      customFields: (metadata?.customFields ?? {}) as Record<string, string>,
    });
    const { url, secret } = webhook;
    const signal = cancellationSignal();
    return { status: await postEvent({ url, secret, id: input.eventId, body, allowed, signal }) };
  };
}
