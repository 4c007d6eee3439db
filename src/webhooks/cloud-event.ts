import type { DeliverWebhookInput } from "../contract/webhook.ts";

/** What the database adds to what the workflow knows. */
export interface EventSubject {
  project: string;
  fileName: string | null;
  source: string | null;
  customFields: Record<string, string>;
}

/** An event of a document as CloudEvents 1.0 in its JSON format. It never holds text of the document. */
export function cloudEvent(input: DeliverWebhookInput, subject: EventSubject): string {
  const { eventId, type, time, ended } = input;
  const { project, ...known } = subject;
  const { documentId = null, result = null, failure = null } = ended ?? {};
  return JSON.stringify({
    specversion: "1.0",
    id: eventId,
    source: `/docket/projects/${project}`,
    type,
    ...(documentId === null ? {} : { subject: documentId }),
    time,
    datacontenttype: "application/json",
    data: { documentId, project, ...known, result, failure },
  });
}
