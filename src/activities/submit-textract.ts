import type { NotificationChannel } from "../config.ts";
import { DocketError, failureTable } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { settleBudget } from "../database/project-budgets.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import { countSpending, requireBudget } from "./budget-guard.ts";
import { intendTextractJob, type TextractJobRow } from "./intend-textract-job.ts";
import { currentRun } from "./run-identity.ts";
import type { SubmitRequest, SubmittedJob } from "./textract-steps.ts";

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
  channels: readonly NotificationChannel[];
}) {
  return async function submitTextract(request: SubmitRequest): Promise<SubmittedJob> {
    const run = currentRun();
    const job = await intendTextractJob(ports.database, {
      ...request,
      runId: run.runId,
      channel: ports.channels.find(({ topicArn }) => topicArn.split(":")[3] === request.region),
    });
    if (job.jobId === null) await requireBudget(ports.database, job.id, request);
    const jobId = job.jobId ?? (await start(job, request));
    const { features, part } = request;
    const detail = { attempt: job.attempt, jobId, region: job.region, features, pages: part?.pages };
    await recordEvent(ports.database, {
      documentId: request.documentId,
      runId: run.runId,
      kind: "textract-submitted",
      discriminator: String(job.attempt),
      detail,
    });
    const notified = job.notificationTopicArn !== null;
    return { ledgerId: job.id, jobId, region: job.region, attempt: job.attempt, notified };
  };

  async function start(job: TextractJobRow, request: SubmitRequest): Promise<string> {
    const { bucket, key, objectVersion } = job;
    const document = { bucket, key, ...(objectVersion === null ? {} : { version: objectVersion }) };
    const { documentId, features } = request;
    const call = { document, features, token: job.token, jobTag: documentId, channel: channelOf(job) };
    const jobId = await ports.textract
      .inRegion(job.region)
      .start(call)
      .catch((error) => settleRefusal(job, error));
    await ports.database.$transaction(async (transaction) => {
      const { count } = await transaction.textractJob.updateMany({
        where: { id: job.id, state: { in: ["intended", "refused"] } },
        data: { jobId, state: "submitted", submittedAt: new Date() },
      });
      if (count > 0) await countSpending(transaction, job.id, request);
    });
    return jobId;
  }

  /** A Start that is refused for good ran nothing: the next run may mean a new attempt, with its own parameters. */
  async function settleRefusal(job: TextractJobRow, error: unknown): Promise<never> {
    if (error instanceof DocketError && failureTable[error.type].retry === "never") {
      const data = { state: "refused" as const, statusMessage: error.message, finishedAt: new Date() };
      await ports.database.textractJob.updateMany({ where: { id: job.id, state: "intended" }, data });
      await settleBudget(ports.database, job.id, 0);
    }
    throw error;
  }
}

// As it was when the attempt was meant: Textract refuses a token that comes back with another channel.
function channelOf(job: TextractJobRow): NotificationChannel | undefined {
  const { notificationTopicArn: topicArn, notificationRoleArn: roleArn } = job;
  return topicArn === null || roleArn === null ? undefined : { topicArn, roleArn };
}
