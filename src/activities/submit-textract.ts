import type { DocumentLocation, Feature } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import { intendTextractJob, type TextractJobRow } from "./intend-textract-job.ts";
import { currentRun } from "./run-identity.ts";

export interface SubmitRequest {
  documentId: string;
  document: DocumentLocation;
  features: Feature[];
  region: string;
  force: boolean;
}

/** A job that Textract has taken, by reference. */
export interface SubmittedJob {
  /** Primary key of the ledger's row. */
  ledgerId: string;
  jobId: string;
  region: string;
  attempt: number;
}

/**
 * Hands the document to Textract. The ledger's row is written before Textract is asked, with the token that the call
 * uses.
 *
 * Idempotent: a second call finds the row; without a job id it asks again with the same token, and Textract answers
 * with the same job without running or charging it again.
 */
export function createSubmitTextract(ports: {
  database: Database;
  textract: { inRegion(region: string): TextractApi };
}) {
  return async function submitTextract(request: SubmitRequest): Promise<SubmittedJob> {
    const run = currentRun();
    const job = await intendTextractJob(ports.database, { ...request, runId: run.runId });
    const jobId = job.jobId ?? (await start(job, request));
    const detail = { attempt: job.attempt, jobId, region: job.region, features: request.features };
    await recordEvent(ports.database, {
      documentId: request.documentId,
      runId: run.runId,
      kind: "textract-submitted",
      discriminator: String(job.attempt),
      detail,
    });
    return { ledgerId: job.id, jobId, region: job.region, attempt: job.attempt };
  };

  async function start(job: TextractJobRow, request: SubmitRequest): Promise<string> {
    const jobId = await ports.textract.inRegion(job.region).start({
      document: request.document,
      features: request.features,
      token: job.token,
      jobTag: request.documentId,
    });
    await ports.database.textractJob.updateMany({
      where: { id: job.id, state: "intended" },
      data: { jobId, state: "submitted", submittedAt: new Date() },
    });
    return jobId;
  }
}
