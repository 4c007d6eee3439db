import type { NotificationChannel } from "../config.ts";
import { DocketError, type FailureType, failureTable } from "../contract/failures.ts";
import { byDriver, type Database } from "../database/client.ts";
import { type DocumentEvent, insertEvent, recordEvent } from "../database/document-events.ts";
import { superseded } from "../database/document-owner.ts";
import { releaseBudget, settleBudget } from "../database/project-budgets.ts";
import { isLine } from "../database/textract-line.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import { countDeleted, countSpending, requireBudget } from "./budget-guard.ts";
import { intendTextractJob, type TextractJobRow } from "./intend-textract-job.ts";
import type { QuotaGovernor } from "./quota-governor.ts";
import { currentRun } from "./run-identity.ts";
import type { SubmitRequest, SubmittedJob } from "./textract-steps.ts";

/**
 * Hands the document to Textract. The ledger's row is written before Textract is asked, with the token that the call
 * uses. Who has taken a job slot calls the next in line, for whom there may be another one.
 *
 * Idempotent: a second call finds the row; without a job id it asks again with the same token, and Textract answers
 * with the same job without running or charging it again.
 */
export function createSubmitTextract(ports: {
  database: Database;
  textract: { inRegion(region: string): TextractApi };
  governor: Pick<QuotaGovernor, "callNext">;
  channels: readonly NotificationChannel[];
}) {
  return async function submitTextract(request: SubmitRequest): Promise<SubmittedJob> {
    const run = currentRun();
    const channel = ports.channels.find(({ topicArn }) => topicArn.split(":")[3] === request.region);
    const firstRunId = request.firstRunId ?? run.runId;
    const job = await intendTextractJob(ports.database, { ...request, runId: run.runId, firstRunId, channel });
    if (job.jobId !== null) {
      await recordEvent(byDriver(ports.database), submittedEvent(job, job.jobId, request));
      return submittedJob(job, job.jobId, job.notificationTopicArn !== null);
    }
    // Of a budget that is set from here on, what is spent is counted when Textract has taken the attempt.
    if (job.limited !== false) await requireBudget(ports.database, job.id, request);
    return start(job, request, channel);
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
    const line = await writeDown(job, { jobId, told }, request);
    if (line === null) await settleStart(job, { jobId, told }, request);
    if (line !== false) await ports.governor.callNext(job.region);
    return submittedJob(job, jobId, told !== undefined);
  }

  /**
   * Writes down what Textract has taken, with the event of it, in one statement: where it is not to be counted for a budget.
   * @returns whether somebody stands in line; null where there is a budget, or the attempt is not there as it was meant
   */
  async function writeDown(
    job: TextractJobRow,
    { jobId, told }: Taken,
    request: SubmitRequest,
  ): Promise<boolean | null> {
    const { topicArn = null, roleArn = null } = told ?? {};
    const [written] = await byDriver(ports.database).$queryRaw<{ line: boolean }[]>`
      WITH taken AS (
        UPDATE textract_jobs j SET
          job_id = ${jobId}, state = 'submitted', submitted_at = now(), status_message = NULL,
          notification_topic_arn = ${topicArn}, notification_role_arn = ${roleArn}
        FROM documents d
        WHERE j.id = ${job.id}::uuid AND j.state IN ('intended', 'refused') AND d.id = j.document_id
          AND NOT EXISTS (SELECT 1 FROM project_budgets b WHERE b.project_id = d.project_id)
        RETURNING j.id),
      told AS (${insertEvent(submittedEvent(job, jobId, request), "taken")}),
      turn AS (DELETE FROM textract_turns WHERE token = ${job.token} AND EXISTS (SELECT 1 FROM taken))
      SELECT (${isLine(job.region)}) AS line FROM taken`;
    return written?.line ?? null;
  }

  /** The same where a budget counts it, or where the attempt has been written down or deleted meanwhile. */
  async function settleStart(job: TextractJobRow, { jobId, told }: Taken, request: SubmitRequest): Promise<void> {
    const { documentId } = request;
    const deleted = await ports.database.$transaction(async (transaction) => {
      const { topicArn: notificationTopicArn = null, roleArn: notificationRoleArn = null } = told ?? {};
      const { count } = await transaction.textractJob.updateMany({
        where: { id: job.id, state: { in: ["intended", "refused"] } },
        data: {
          ...{ jobId, state: "submitted", submittedAt: new Date(), statusMessage: null },
          ...{ notificationTopicArn, notificationRoleArn },
        },
      });
      if (count === 0) return countDeleted(transaction, { attempt: job.attempt, jobId }, request);
      await transaction.textractTurn.deleteMany({ where: { token: job.token } });
      await countSpending(transaction, job.id, request);
      return false;
    });
    if (deleted) throw superseded(documentId, currentRun().runId);
    await recordEvent(byDriver(ports.database), submittedEvent(job, jobId, request));
  }

  /**
   * A Start that is refused for what it asks ran nothing: the next run may mean a new attempt, with its own parameters.
   * One that is denied for who asks says nothing of an earlier Start with its token, which may have been taken without
   * an answer: the attempt stays meant, and is asked for again with the same token. Either's turn is the next one's.
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
      // One that waits with the same token by now is another run's.
      await ports.database.textractTurn.deleteMany({ where: { token: job.token, admittedAt: { not: null } } });
      await ports.governor.callNext(job.region);
    }
    throw error;
  }
}

function submittedJob({ id, region, attempt }: TextractJobRow, jobId: string, notified: boolean): SubmittedJob {
  return { ledgerId: id, jobId, region, attempt, notified };
}

function submittedEvent({ attempt, region }: TextractJobRow, jobId: string, request: SubmitRequest): DocumentEvent {
  const { documentId, features, part } = request;
  return {
    documentId,
    runId: currentRun().runId,
    kind: "textract-submitted",
    discriminator: String(attempt),
    detail: { attempt, jobId, region, features, pages: part?.pages },
  };
}

/** What Textract says of a document or of a request, whoever asks. */
const refusals: ReadonlySet<FailureType> = new Set<FailureType>([
  ...(["ObjectMissing", "InvalidKmsKey", "UnsupportedMedia", "Corrupt", "TooLarge", "TextractRefused"] as const),
]);

type Channel = NotificationChannel | undefined;

/** What Textract has answered to a Start, and the channel that it was told. */
interface Taken {
  jobId: string;
  told: Channel;
}

/**
 * Asks with the channel that the attempt was meant with: Textract refuses a token that comes back with another one.
 * Where that was denied, the channel that is set by now may be the cure; should Textract know the token after all, the
 * attempt's own one is right.
 */
async function startTold(job: TextractJobRow, set: Channel, ask: (told: Channel) => Promise<string>): Promise<Taken> {
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
