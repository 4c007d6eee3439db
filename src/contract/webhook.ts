import type { Failure } from "./failures.ts";
import type { ProcessDocumentResult } from "./process-document.ts";

/** The workflow's type name. */
export const deliverWebhookType = "deliverWebhook";

/** Queue of the posts, so that a receiver which does not answer takes no place of a document's work. */
export const webhookQueue = "webhooks";

/** What a receiver is told: CloudEvents' `type`. */
export const webhookEventTypes = [
  "docket.document.complete",
  "docket.document.incomplete",
  "docket.document.failed",
  "docket.webhook.test",
] as const;

export type WebhookEventType = (typeof webhookEventTypes)[number];

/** How a document ended, as far as its workflow knows; never any of its text. */
export interface DocumentEnded {
  documentId: string;
  result: ProcessDocumentResult | null;
  failure: Failure | null;
}

/** Input of `deliverWebhook`. */
export interface DeliverWebhookInput {
  webhookId: string;
  /** Stable over every try: a receiver knows a repeated post by it. */
  eventId: string;
  type: WebhookEventType;
  /** ISO 8601. */
  time: string;
  /** Null for a test. */
  ended: DocumentEnded | null;
}

/** What the receiver answered. */
export interface WebhookDelivered {
  /** HTTP status; null where the webhook was removed meanwhile and nothing was sent. */
  status: number | null;
}
