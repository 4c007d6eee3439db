import { z } from "zod";

/** What Textract tells of a job that has ended; the members that Docket needs. */
export interface JobNotification {
  jobId: string;
  /** Docket's own Start requests put the document's id here. */
  jobTag: string | null;
}

// Lengths and characters are those of Textract's own model; everything else in a message is of no interest.
const bodySchema = z.object({
  JobId: z.string().regex(/^[a-zA-Z0-9-_]{1,64}$/),
  JobTag: z
    .string()
    .regex(/^[a-zA-Z0-9_.\-:]{1,64}$/)
    .nullish(),
});
const envelopeSchema = z.object({ Message: z.string() });

/**
 * Reads a message of the queue: inside the envelope that SNS puts around it, or as it is where the subscription has
 * raw delivery. Who may write to the queue is the queue's own policy; a notification decides nothing but when Docket
 * looks at a job.
 * @returns null for anything else
 */
export function parseNotification(message: string): JobNotification | null {
  const outer = fromJson(message);
  const envelope = envelopeSchema.safeParse(outer);
  const body = bodySchema.safeParse(envelope.success ? fromJson(envelope.data.Message) : outer);
  return body.success ? { jobId: body.data.JobId, jobTag: body.data.JobTag ?? null } : null;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
