import type { NotificationChannel } from "../config.ts";
import { DocketError, type FailureType, failureTable } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import { noteJobOfDeleted } from "../database/delete-document-rows.ts";
import { recordEvent } from "../database/document-events.ts";
import { superseded } from "../database/document-owner.ts";
import { releaseBudget, settleBudget } from "../database/project-budgets.ts";
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
    const channel = ports.channels.find(({ topicArn }) => topicArn.split(":")[3] === request.region);
    const firstRunId = request.firstRunId ?? run.runId;
    const job = await intendTextractJob(ports.database, { ...request, runId: run.runId, firstRunId, channel });
    if (job.jobId === null) await requireBudget(ports.database, job.id, request);
    const submitted = job.jobId === null ? await start(job, request, channel) : submittedBefore(job, job.jobId);
    const { features, part } = request;
    const { attempt, jobId, region } = submitted;
    const detail = { attempt, jobId, region, features, pages: part?.pages };
    await recordEvent(ports.database, {
      documentId: request.documentId,
      runId: run.runId,
      kind: "textract-submitted",
      discriminator: String(attempt),
      detail,
    });
    return submitted;
  };

  async function start(job: TextractJobRow, request: SubmitRequest, channel: Channel): Promise<SubmittedJob> {
    const { bucket, key, objectVersion } = job;
    const document = { bucket, key, ...(objectVersion === null ? {} : { version: objectVersion }) };
    const { documentId, features } = request;
    const ask = (told: Channel) =>
      ports.textract
        .inRegion(job.region)
        .start({ document, features, token: job.token, jobTag: documentId, channel: told });
    const { jobId, told } = await startTold(job, channel, ask).catch((error) => settleRefusal(job, error));
    const deleted = await ports.database.$transaction(async (transaction) => {
      const { topicArn: notificationTopicArn = null, roleArn: notificationRoleArn = null } = told ?? {};
      const { count } = await transaction.textractJob.updateMany({
        where: { id: job.id, state: { in: ["intended", "refused"] } },
        data: {
          ...{ jobId, state: "submitted", submittedAt: new Date(), statusMessage: null },
          ...{ notificationTopicArn, notificationRoleArn },
        },
      });
      if (count === 0) return noteJobOfDeleted(transaction, { documentId, attempt: job.attempt, features, jobId });
      await countSpending(transaction, job.id, request);
      return false;
    });
    if (deleted) throw superseded(documentId, currentRun().runId);
    return { ledgerId: job.id, jobId, region: job.region, attempt: job.attempt, notified: told !== undefined };
  }

  /**
   * A Start that is refused for what it asks ran nothing: the next run may mean a new attempt, with its own parameters.
   * One that is denied for who asks says nothing of an earlier Start with its token, which may have been taken without
   * an answer: the attempt stays meant, and is asked for again with the same token.
   */
  async function settleRefusal(job: TextractJobRow, error: unknown): Promise<never> {
    if (error instanceof DocketError && failureTable[error.type].retry === "never") {
      const where = { id: job.id, state: "intended" as const };
      const statusMessage = error.message;
      if (refusals.has(error.type)) {
        const data = { state: "refused" as const, statusMessage, finishedAt: new Date() };
        await ports.database.textractJob.updateMany({ where, data });
        await settleBudget(ports.database, job.id, 0);
      } else {
        await ports.database.textractJob.updateMany({ where, data: { statusMessage } });
        await releaseBudget(ports.database, job.documentId);
      }
    }
    throw error;
  }
}

function submittedBefore({ id, region, attempt, notificationTopicArn }: TextractJobRow, jobId: string): SubmittedJob {
  return { ledgerId: id, jobId, region, attempt, notified: notificationTopicArn !== null };
}

/** What Textract says of a document or of a request, whoever asks. */
const refusals: ReadonlySet<FailureType> = new Set<FailureType>([
  ...(["ObjectMissing", "InvalidKmsKey", "UnsupportedMedia", "Corrupt", "TooLarge", "TextractRefused"] as const),
]);

type Channel = NotificationChannel | undefined;

/**
 * Asks with the channel that the attempt was meant with: Textract refuses a token that comes back with another one.
 * Where that was denied, the channel that is set by now may be the cure; should Textract know the token after all, the
 * attempt's own one is right.
 */
async function startTold(
  job: TextractJobRow,
  set: Channel,
  ask: (told: Channel) => Promise<string>,
): Promise<{ jobId: string; told: Channel }> {
  const { notificationTopicArn: topicArn, notificationRoleArn: roleArn } = job;
  const own = topicArn === null || roleArn === null ? undefined : { topicArn, roleArn };
  const isSame = own?.topicArn === set?.topicArn && own?.roleArn === set?.roleArn;
  if (job.statusMessage !== null && !isSame) {
    try {
      return { jobId: await ask(set), told: set };
    } catch (error) {
      if (!(error instanceof DocketError) || error.type !== "TokenMismatch") throw error;
    }
  }
  return { jobId: await ask(own), told: own };
}
