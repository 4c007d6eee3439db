import type { Database } from "../database/client.ts";
import type { JobNotification } from "./parse-notification.ts";

/** Whom a notification is for: a document that waits for the job, one that does not any more, or nobody we know. */
export type Addressee = { workflowId: string } | "ended" | "unknown";

/**
 * Finds the document that a notification is for, by the ledger. A job may end before its id is in the ledger: then the
 * tag names a document whose Start has not been answered yet, and its workflow keeps the notification for later.
 */
export async function findWaitingDocument(database: Database, notification: JobNotification): Promise<Addressee> {
  const { jobId, jobTag } = notification;
  const document = { select: { workflowId: true } };
  // Ids are unique within a region, and the region of a notification is not told by raw delivery.
  const jobs = await database.textractJob.findMany({ where: { jobId }, select: { state: true, document }, take: 10 });
  const waiting = jobs.find(({ state }) => state === "submitted");
  if (waiting !== undefined) return waiting.document;
  if (jobs.length > 0) return "ended";
  if (jobTag === null || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(jobTag)) return "unknown";
  const started = await database.textractJob.findFirst({
    where: { documentId: jobTag, state: "intended" },
    select: { document },
  });
  return started?.document ?? "unknown";
}
