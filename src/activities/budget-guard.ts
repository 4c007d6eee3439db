import type { Database } from "../database/client.ts";
import { describeBudget, reserveBudget } from "../database/project-budgets.ts";
import { costOfJob } from "../textract/prices.ts";
import { NotYet } from "./not-yet.ts";
import type { SubmitRequest } from "./submit-textract.ts";

/** How soon a document that waits for money asks again: a cap that is raised is felt soon. */
const askAgainMilliseconds = 15_000;

/**
 * Reserves what an attempt is expected to cost, before Textract is asked.
 * @throws {NotYet} `BudgetReached` where the project's budget does not hold it: the document waits, and loses no attempt
 */
export async function requireBudget(database: Database, ledgerId: string, request: SubmitRequest): Promise<void> {
  const { documentId, features, part } = request;
  const pages = part?.pages.length ?? null;
  const answer = await reserveBudget(database, { ledgerId, documentId, pages, usdPerPage: costOfJob(1, features) });
  if (answer.allowed) return;
  const message = `Document ${documentId} waits: ${describeBudget(answer.budget)}.`;
  throw new NotYet("BudgetReached", message, askAgainMilliseconds);
}
