import type { Database, Executor } from "../database/client.ts";
import { noteJobOfDeleted } from "../database/delete-document-rows.ts";
import { requireOwner } from "../database/document-owner.ts";
import { countStarted, describeBudget, releaseBudget, reserveBudget } from "../database/project-budgets.ts";
import { costOfJob } from "../textract/prices.ts";
import { NotYet } from "./not-yet.ts";
import { currentRun } from "./run-identity.ts";
import type { SubmitRequest } from "./textract-steps.ts";

/** How soon a document that waits for money asks again: a cap that is raised is felt soon. */
const askAgainMilliseconds = 15_000;

/**
 * Reserves what an attempt is expected to cost, before Textract is asked.
 * @throws {NotYet} `BudgetReached` where the project's budget does not hold it: the document waits, and loses no attempt
 * @throws {DocketError} `Superseded` where the document has ended or been taken over meanwhile
 */
export async function requireBudget(database: Database, ledgerId: string, request: SubmitRequest): Promise<void> {
  const answer = await reserveBudget(database, { ledgerId, ...expected(request) });
  if (answer.allowed) {
    if (answer.reserved) await keepWhileOwned(database, request.documentId);
    return;
  }
  const message = `Document ${request.documentId} waits: ${describeBudget(answer.budget)}.`;
  throw new NotYet("BudgetReached", message, askAgainMilliseconds);
}

/**
 * A document that is cancelled, fails or is deleted just now gives back what it finds reserved: what was reserved behind
 * its back is given back here.
 */
async function keepWhileOwned(database: Database, documentId: string): Promise<void> {
  try {
    await requireOwner(database, documentId, currentRun().runId);
  } catch (error) {
    await releaseBudget(database, documentId);
    throw error;
  }
}

/** Counts an attempt that Textract has taken and for which nothing was reserved; in the transaction that says so. */
export function countSpending(executor: Executor, ledgerId: string, request: SubmitRequest): Promise<void> {
  return countStarted(executor, { ledgerId, ...expected(request) });
}

/** The same for an attempt whose document was deleted meanwhile. @returns false where no deletion lacks the job */
export function countDeleted(
  executor: Executor,
  { attempt, jobId }: { attempt: number; jobId: string },
  request: SubmitRequest,
): Promise<boolean> {
  const { features } = request;
  return noteJobOfDeleted(executor, { ...expected(request), features, attempt, jobId });
}

function expected({ documentId, features, part }: SubmitRequest) {
  return { documentId, pages: part?.pages.length ?? null, usdPerPage: costOfJob(1, features) };
}
