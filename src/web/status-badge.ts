import type { DocumentStatus } from "../database/generated/enums.ts";
import { type Html, html } from "./html.ts";

/** Every status in the order of a document's life, with the word that people read. */
export const statuses: Record<DocumentStatus, string> = {
  received: "Received",
  processing: "Processing",
  complete: "Complete",
  incomplete: "Incomplete",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** A status as a word with a sign, never by its colour alone. */
export function statusBadge(status: DocumentStatus): Html {
  return html`<span class="badge ${status}">${statuses[status]}</span>`;
}

/** @returns undefined for anything that is no status */
export function parseStatus(value: string | undefined): DocumentStatus | undefined {
  return value !== undefined && Object.hasOwn(statuses, value) ? (value as DocumentStatus) : undefined;
}
