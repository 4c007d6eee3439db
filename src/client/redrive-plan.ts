import type { MissingPage } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import { resultDays } from "../database/expiring-results.ts";
import type { TextractJobState } from "../database/generated/enums.ts";
import { chooseAttempt } from "../textract/choose-attempt.ts";
import { costOfJob } from "../textract/prices.ts";

/** Textract keeps a result for this long after its job was submitted, milliseconds. */
const resultLives = resultDays * 24 * 3600 * 1000;
/** Results that expire sooner are fetched first, milliseconds. */
export const soonMilliseconds = 24 * 3600 * 1000;

/** What a document's next run would cost. */
export interface RedriveCost {
  /** What is there already and costs nothing, in words; null: nothing. */
  free: string | null;
  /** Pages that Textract would be asked to read; null where they were never counted. */
  billedPages: number | null;
  /** US dollars, by the price file; null where the pages were never counted. */
  billedUsd: number | null;
  /** Until when a result that is paid and not fetched can be had; null: there is none. */
  resultExpiresAt: Date | null;
}

/** What decides about the cost: the document's row and its ledger. */
export interface RedriveFacts {
  engine: string;
  features: Feature[];
  expectedPages: number | null;
  storedPages: number;
  /** Null: no run of the document came to an end that would tell. */
  missingPages: MissingPage[] | null;
  /** Content hash, else object version, else entity tag: as the ledger names it. */
  content: string | null;
  /** Rows for the document's features. */
  jobs: LedgerJob[];
}

interface LedgerJob {
  attempt: number;
  state: TextractJobState;
  content: string;
  runId: string;
  pageNumbers: number[];
  statusMessage: string | null;
  storedPages: number | null;
  jobId: string | null;
  pages: number | null;
  failedPages: unknown;
  submittedAt: Date | null;
}

/** Says what a new run would find paid already, by the same rule by which the run itself decides. */
export function planRedrive(facts: RedriveFacts, now: Date): RedriveCost {
  if (facts.engine === "local") return { ...billed(facts, 0), free: "read on the workers' machine" };
  const request = { runId: "", firstRunId: "", force: false, content: facts.content ?? "" };
  const choice = chooseAttempt(facts.jobs, request);
  if (!("reuse" in choice)) return billed(facts, facts.expectedPages);
  const whole = choice.reuse;
  if (whole.storedPages !== null) return missingOnly(facts, whole, now);
  // Meant, and perhaps never taken: its token decides whether it is paid now or was paid before.
  if (whole.jobId === null) return billed(facts, facts.expectedPages);
  if (expiryOf(whole) <= now) return billed(facts, facts.expectedPages);
  const unread = Array.isArray(whole.failedPages) ? whole.failedPages.length : 0;
  const pages = whole.pages ?? facts.expectedPages;
  const result = pages === null ? "result at Textract" : `result of ${pages - unread} pages at Textract`;
  return { ...billed(facts, unread), free: result, resultExpiresAt: expiryOf(whole) };
}

/** The whole document was read and collected: what is asked for again are the pages that were not readable. */
function missingOnly(facts: RedriveFacts, whole: LedgerJob, now: Date): RedriveCost {
  const { expectedPages } = facts;
  // Textract comes first again, also for pages that the local engine has read since.
  const missingPages = facts.engine === "textract-then-local" ? null : facts.missingPages;
  const pages = missingPages === null ? unreadPages(facts, whole) : missingPages.map(({ page }) => page);
  const counted = missingPages === null ? (expectedPages ?? whole.pages) : null;
  const stored = `${counted === null ? facts.storedPages : counted - pages.length} pages stored`;
  if (pages.length === 0) return { ...billed(facts, 0), free: stored };
  const request = { runId: "", firstRunId: "", force: false, content: facts.content ?? "" };
  const choice = chooseAttempt(facts.jobs, { ...request, part: { pages, since: whole.attempt } });
  const part = "reuse" in choice ? choice.reuse : null;
  if (part === null || part.jobId === null || expiryOf(part) <= now)
    return { ...billed(facts, pages.length), free: stored };
  const free = `${stored}, result of ${pages.length} more at Textract`;
  return { ...billed(facts, 0), free, resultExpiresAt: expiryOf(part) };
}

/** Pages that the ledger tells to be unread: those of the whole document that no later job of theirs has read. */
function unreadPages({ jobs, expectedPages }: RedriveFacts, whole: LedgerJob): number[] {
  const failed = (job: LedgerJob) =>
    new Set(Array.isArray(job.failedPages) ? job.failedPages.map(({ page }: { page: number }) => page) : []);
  const last = expectedPages ?? whole.pages ?? 0;
  const reported = whole.pages ?? last;
  const first = failed(whole);
  const unread = new Set<number>();
  for (let page = 1; page <= last; page++) if (page > reported || first.has(page)) unread.add(page);
  for (const job of jobs) {
    if (job.attempt <= whole.attempt || job.storedPages === null) continue;
    const unreadAgain = failed(job);
    job.pageNumbers.forEach((page, index) => {
      if (!unreadAgain.has(index + 1)) unread.delete(page);
    });
  }
  return [...unread];
}

function billed({ features }: RedriveFacts, pages: number | null): RedriveCost {
  const billedUsd = pages === null ? null : costOfJob(pages, features);
  return { free: null, billedPages: pages, billedUsd, resultExpiresAt: null };
}

function expiryOf({ submittedAt }: LedgerJob): Date {
  return new Date((submittedAt?.getTime() ?? 0) + resultLives);
}
