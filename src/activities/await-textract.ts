import { activityInfo } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import { byDriver, type Database } from "../database/client.ts";
import { insertEvent, recordEvent } from "../database/document-events.ts";
import { settlement } from "../database/project-budgets.ts";
import { isLine } from "../database/textract-line.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { JobResult } from "../textract/parse-answer.ts";
import { notifiedPollDelay, type PollDelays, pollDelay } from "../textract/poll-delay.ts";
import { costOfJob } from "../textract/prices.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import { NotYet } from "./not-yet.ts";
import type { QuotaGovernor } from "./quota-governor.ts";
import { replacedObject } from "./replaced-object.ts";
import { resultSoFar } from "./result-so-far.ts";
import { currentRun } from "./run-identity.ts";
import type { AwaitRequest, FinishedJob } from "./textract-steps.ts";

/**
 * Looks at a job once. A job still at work is "not yet": the server keeps the time until the next look, no worker slot
 * and no history is used meanwhile.
 *
 * Idempotent: one Get, which costs nothing, and at the end one look at the object; what it learns is written to the
 * ledger as the same values each time. The job's slot is free then, and the first in line for it is called: a second call
 * lets it ask once more.
 */
export function createAwaitTextract(ports: {
  database: Database;
  storage: ObjectStorage;
  textract: { inRegion(region: string): TextractApi };
  governor: Pick<QuotaGovernor, "callNext">;
  poll: PollDelays;
}) {
  return async function awaitTextract(request: AwaitRequest): Promise<FinishedJob> {
    const { documentId, features, job } = request;
    let result: JobResult;
    try {
      result = await ports.textract.inRegion(job.region).get({ jobId: job.jobId, features, maxResults: 1 });
    } catch (error) {
      if (!(error instanceof DocketError) || error.type !== "TextractJobExpired") throw error;
      const { collected } = await resultSoFar(byDriver(ports.database), { documentId, runId: currentRun().runId, job });
      if (collected !== null) return collected;
      await markExpired(request);
      throw error;
    }
    if (result.status === "IN_PROGRESS") {
      const { attempt, scheduledTimestampMs } = activityInfo();
      const delay = job.notified
        ? notifiedPollDelay(attempt, ports.poll)
        : pollDelay(attempt, Date.now() - scheduledTimestampMs, ports.poll);
      throw new NotYet("TextractInProgress", `Textract is at work on document ${documentId}.`, delay);
    }

    const pages = result.pages ?? 0;
    const failed = result.status === "FAILED";
    const failedPages = result.warnings.flatMap((w) =>
      (w.Pages ?? []).map((page) => ({ page, code: w.ErrorCode ?? "" })),
    );
    const unread = new Set(failedPages.map(({ page }) => page)).size;
    // Textract charges for processed pages only.
    const costUsd = failed ? 0 : costOfJob(Math.max(0, pages - unread), features);
    const replaced = failed ? null : await replacedObject(ports, job.ledgerId);
    const states = { SUCCEEDED: "succeeded", PARTIAL_SUCCESS: "partial_success", FAILED: "failed" } as const;
    const statusMessage = result.statusMessage ?? null;
    const event = insertEvent({
      documentId,
      runId: currentRun().runId,
      kind: "textract-finished",
      discriminator: String(job.attempt),
      detail: { jobId: job.jobId, status: result.status, statusMessage, pages },
    });
    const [settled] = await byDriver(ports.database).$queryRaw<{ line: boolean }[]>`
      WITH ended AS (
        UPDATE textract_jobs SET
          state = ${states[result.status]}::textract_job_state, status_message = ${statusMessage}, pages = ${pages}::int,
          failed_pages = ${JSON.stringify(failedPages)}::jsonb, cost_usd = ${costUsd}::numeric, finished_at = now()
        WHERE id = ${job.ledgerId}::uuid AND state = 'submitted'),
      told AS (${event}),
      ${settlement(job.ledgerId, costUsd)}
      SELECT (${isLine(job.region)}) AS line`;
    if (settled?.line) await ports.governor.callNext(job.region);
    if (result.status === "FAILED") {
      const why = result.statusMessage ?? "no status message";
      throw new DocketError("TextractJobFailed", `Textract job ${job.jobId} for document ${documentId} failed: ${why}`);
    }
    if (replaced !== null) throw replaced;
    return { status: result.status, pages, failedPages };
  };

  async function markExpired({ documentId, job }: AwaitRequest): Promise<void> {
    await ports.database.textractJob.updateMany({
      where: { id: job.ledgerId },
      data: { state: "expired", finishedAt: new Date() },
    });
    await recordEvent(ports.database, {
      documentId,
      runId: currentRun().runId,
      kind: "textract-expired",
      discriminator: String(job.attempt),
      detail: { jobId: job.jobId },
    });
    await ports.governor.callNext(job.region);
  }
}
