import type { Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

/** What happened to a document, in the past tense. */
export type EventKind =
  | "record-created"
  | "metadata-written"
  | "prerequisites-met"
  | "textract-submitted"
  | "textract-finished"
  | "textract-expired"
  | "pages-collected"
  | "object-staged"
  | "pages-extracted"
  | "copies-removed"
  | "incomplete"
  | "recognition-begun"
  | "recognized-locally"
  | "completed"
  | "failed"
  | "page-corrected"
  | "correction-removed"
  | "redriven"
  | "deletion-begun";

export interface DocumentEvent {
  documentId: string;
  runId: string;
  kind: EventKind;
  /** Tells apart events of one kind in one run, for instance the attempt. */
  discriminator?: string;
  detail?: Record<string, unknown>;
}

const parts = { made: Prisma.sql`FROM made`, owned: Prisma.sql`FROM owned`, taken: Prisma.sql`FROM taken` };

/** Adds an event to a document's trail; the same event of the same run is added once, however often it is written. */
export async function recordEvent(executor: Executor, event: DocumentEvent): Promise<void> {
  await executor.$executeRaw`${insertEvent(event)}`;
}

/**
 * The statement that adds an event, as {@link recordEvent} runs it: also as a part of another statement, so that what
 * happened and the event of it are one round trip and one transaction.
 * @param from a part of that statement, by its name: the event is added where the part has a row
 */
export function insertEvent(event: DocumentEvent, from?: keyof typeof parts): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO document_events (document_id, run_id, kind, discriminator, detail)
    SELECT ${event.documentId}::uuid, ${event.runId}, ${event.kind}, ${event.discriminator ?? ""},
           ${JSON.stringify(event.detail ?? {})}::jsonb
    ${from === undefined ? Prisma.empty : parts[from]}
    ON CONFLICT DO NOTHING`;
}
