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
export async function readBilledJobs(world: World): Promise<BilledJob[]> {
  const answer = await fetch(`${world.textract}/ledger`);
  if (!answer.ok) throw new Error(`the endpoint's ledger is not to be had: ${answer.status}`);
  const lines = (await answer.text()).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as BilledJob);
}

type LedgerRow = Awaited<ReturnType<Database["textractJob"]["findMany"]>>[number];

// An attempt is meant anew only after the one before came to nothing.
const endedInVain = new Set(["failed", "expired", "refused", "partial_success"]);
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
      violations.push(
        `the job of attempt ${row.attempt} of document ${row.documentId} is ${row.state} and was never run`,
      );
    }
    if (row.attempt === 1) continue;
    const before = rows.find(
      (other) =>
        other.documentId === row.documentId &&
        other.attempt === row.attempt - 1 &&
        other.features.join() === row.features.join(),
    );
    if (before === undefined || !endedInVain.has(before.state)) {
      violations.push(
        `attempt ${row.attempt} of document ${row.documentId} was made after one that is ${before?.state}`,
      );
    }
  }
  return violations;
}
