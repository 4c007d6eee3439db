import type { Database } from "#docket/database/client";
import type { World } from "./world.ts";

/** A line of the local endpoint's own ledger. */
export interface BilledJob {
  jobId: string | null;
  token: string | null;
  status: string;
  billedPages: number;
}

/** What the endpoint says was run, whoever asked. */
export async function readBilledJobs(world: Pick<World, "textract">): Promise<BilledJob[]> {
  const answer = await fetch(`${world.textract}/ledger`);
  if (!answer.ok) throw new Error(`the endpoint's ledger is not to be had: ${answer.status}`);
  const lines = (await answer.text()).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as BilledJob);
}

type LedgerRow = Awaited<ReturnType<Database["textractJob"]["findMany"]>>[number];

// An attempt is meant anew only after the ones before came to nothing.
const endedInVain = new Set(["failed", "expired", "refused"]);
const mustBeBilled = new Set(["succeeded", "partial_success", "failed"]);

/** Where Docket's ledger and the endpoint's disagree, in words: a job paid twice, a job that nobody meant, one missing. */
export function compareLedgers(rows: readonly LedgerRow[], billed: readonly BilledJob[]): string[] {
  const violations: string[] = [];
  const rowsByJob = new Map<string, LedgerRow>();
  for (const row of rows) {
    const at = `ledger row ${row.id} (document ${row.documentId}, attempt ${row.attempt}, ${row.state})`;
    if (row.state === "intended" || row.state === "submitted") violations.push(`${at} never ended`);
    if (row.jobId === null) continue;
    if (rowsByJob.has(row.jobId)) violations.push(`${at} shares its job with another row`);
    rowsByJob.set(row.jobId, row);
  }
  const tokens = new Set<string>();
  const billedIds = new Set<string>();
  for (const { jobId, token } of billed) {
    if (jobId === null) {
      violations.push("the endpoint billed a request without a job");
      continue;
    }
    billedIds.add(jobId);
    const row = rowsByJob.get(jobId);
    if (row === undefined) violations.push(`job ${jobId} was billed and stands in no ledger row`);
    else if (row.token !== token) violations.push(`job ${jobId} was billed under a token that its row does not have`);
    if (token !== null && tokens.has(token)) violations.push(`the token ${token} was billed twice`);
    if (token !== null) tokens.add(token);
  }
  for (const row of rows) {
    if (mustBeBilled.has(row.state) && !billedIds.has(row.jobId ?? "")) {
      violations.push(`the job of ${nameOf(row)} is ${row.state} and was never run`);
    }
    violations.push(...(row.pageNumbers.length === 0 ? wholeNotMeant(row, rows) : partNotMeant(row, rows)));
  }
  return violations;
}

/** The attempts at the same document that were made before one. */
function before(row: LedgerRow, rows: readonly LedgerRow[]): LedgerRow[] {
  const features = row.features.join();
  return rows.filter(
    (other) => other.documentId === row.documentId && other.attempt < row.attempt && other.features.join() === features,
  );
}

/** The whole document is read again only after jobs that read nothing, or that Textract no longer knows. */
function wholeNotMeant(row: LedgerRow, rows: readonly LedgerRow[]): string[] {
  return before(row, rows)
    .filter(({ state }) => !endedInVain.has(state))
    .map(({ attempt, state }) => `${nameOf(row)} reads all of it again, after attempt ${attempt}, which is ${state}`);
}

/** A job of some pages reads those, and no others, that the jobs before it could not read. */
function partNotMeant(row: LedgerRow, rows: readonly LedgerRow[]): string[] {
  const earlier = before(row, rows).sort((a, b) => a.attempt - b.attempt);
  const unread = new Set<number>();
  for (const { state, pageNumbers, failedPages } of earlier) {
    const failed = ((failedPages ?? []) as unknown as { page: number }[]).map(({ page }) => page);
    const whole = pageNumbers.length === 0;
    if (whole) unread.clear();
    if (whole && state === "partial_success") for (const page of failed) unread.add(page);
    if (whole || endedInVain.has(state)) continue;
    // Numbers of failed pages are those of the small document.
    pageNumbers.forEach((page, index) => {
      if (!failed.includes(index + 1)) unread.delete(page);
    });
  }
  const wanted = [...row.pageNumbers].sort((a, b) => a - b).join();
  const missing = [...unread].sort((a, b) => a - b).join();
  return wanted === missing ? [] : [`${nameOf(row)} reads pages ${wanted}, and ${missing || "none"} were missing`];
}

function nameOf({ attempt, documentId }: LedgerRow): string {
  return `attempt ${attempt} of document ${documentId}`;
}
