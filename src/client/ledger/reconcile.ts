import { setTimeout as delay } from "node:timers/promises";
import { DocketError } from "../../contract/failures.ts";
import type { Feature } from "../../contract/features.ts";
import type { Database } from "../../database/client.ts";
import type { JobResult } from "../../textract/parse-answer.ts";
import type { TextractApi } from "../../textract/textract-api.ts";
import {
  type DeletedJob,
  findDeleted,
  findInLedger,
  type LedgerEntry,
  type LedgerFilter,
  listLedger,
} from "./read-ledger.ts";
import type { JobRecords, RecordedJob } from "./recorded-jobs.ts";

/** How the ledger and the world disagree. */
export type DifferenceKind =
  /** Textract ran a job of Docket's that the ledger has no row for. */
  | "no-row"
  /** The ledger has a job that Textract never ran. */
  | "never-run"
  /** One attempt was run as two jobs. */
  | "two-jobs"
  /** Textract ran the attempt, and its row does not know the job. */
  | "not-recorded"
  | "pages-differ";

export interface Difference {
  kind: DifferenceKind;
  documentId: string | null;
  attempt: number | null;
  jobId: string | null;
  /** In words. */
  detail: string;
}

export interface Reconciliation {
  /** Rows of the ledger that were looked at. */
  rows: number;
  /** Jobs that Textract was asked about. */
  asked: number;
  /** Jobs that the other records hold. */
  recorded: number;
  /** Recorded jobs that are not Docket's. */
  others: number;
  /** Recorded jobs of documents that are deleted by now. */
  deleted: number;
  differences: number;
}

export interface ReconcilePorts {
  database: Database;
  filter: LedgerFilter;
  records: readonly JobRecords[];
  /** Null: Textract itself is not asked. */
  textract: { inRegion(region: string): TextractApi; perSecond(region: string): number } | null;
  onDifference(difference: Difference): Promise<void>;
  onProgress(asked: number): void;
}

/** Textract knows a job for seven days; one that is almost as old may be gone by the time that it is asked for. */
const askableMilliseconds = (7 * 24 - 1) * 3600 * 1000;
const batchSize = 500;
/** Jobs of one record that can be kept in mind, about 100 bytes each. */
const maxRecorded = 2_000_000;

interface Seen {
  source: string;
  holds: JobRecords["holds"];
  jobIds: Set<string>;
  from: number;
  to: number;
}

/**
 * Compares the ledger with what Textract and other records say was run, both ways. Reads only: one Get of one block for
 * each job that is young enough, one after another, never faster than `perSecond`.
 * @throws {DocketError} of Textract's and the database's, when they do not answer
 */
export async function reconcile(ports: ReconcilePorts): Promise<Reconciliation> {
  const counts: Reconciliation = { rows: 0, asked: 0, recorded: 0, others: 0, deleted: 0, differences: 0 };
  // Textract and its own ledger may well say the same.
  const reported = new Set<string>();
  const report = async (difference: Difference) => {
    const name = `${difference.kind} ${difference.jobId}`;
    if (reported.has(name)) return;
    reported.add(name);
    counts.differences++;
    await ports.onDifference(difference);
  };
  const seen: Seen[] = [];
  for (const records of ports.records) seen.push(await compareRecords(ports, records, counts, report));
  for await (const entry of listLedger(ports.database, ports.filter)) {
    counts.rows++;
    await compareEntry(ports, entry, seen, counts, report);
  }
  return counts;
}

type Report = (difference: Difference) => Promise<void>;

async function compareRecords(
  { database }: ReconcilePorts,
  records: JobRecords,
  counts: Reconciliation,
  report: Report,
): Promise<Seen> {
  const { source, holds } = records;
  const seen: Seen = { source, holds, jobIds: new Set(), from: Number.POSITIVE_INFINITY, to: 0 };
  let batch: RecordedJob[] = [];
  const compareBatch = async () => {
    const entries = await findInLedger(database, batch);
    const strange: RecordedJob[] = [];
    for (const job of batch) if (!(await compareRecord(job, entries, report))) strange.push(job);
    const deleted =
      strange.length === 0
        ? []
        : await findDeleted(
            database,
            strange.map(({ jobId }) => jobId),
          );
    for (const job of strange) await compareStrange(job, deleted, counts, report);
    batch = [];
  };
  for await (const job of records.jobs) {
    seen.from = Math.min(seen.from, job.at.getTime());
    seen.to = Math.max(seen.to, job.at.getTime());
    // A Start that was repeated stands in CloudTrail as often as it was sent, with the same job.
    if (seen.jobIds.has(job.jobId)) continue;
    seen.jobIds.add(job.jobId);
    if (seen.jobIds.size > maxRecorded) {
      throw new DocketError("InvalidInput", `${records.source} holds more than ${maxRecorded} jobs.`, {
        remedy: "Compare a shorter period at a time.",
      });
    }
    counts.recorded++;
    batch.push(job);
    if (batch.length === batchSize) await compareBatch();
  }
  await compareBatch();
  return seen;
}

/** What the outside knows, against the ledger. @returns false where the ledger has nothing of the job */
async function compareRecord(job: RecordedJob, entries: readonly LedgerEntry[], report: Report): Promise<boolean> {
  const own = entries.find(({ jobId }) => jobId === job.jobId);
  if (own !== undefined) {
    if (job.pages !== null) await comparePages(own, job.pages, report);
    return true;
  }
  const { jobId } = job;
  const sameAttempt = entries.find(({ token }) => token === job.token);
  if (sameAttempt?.jobId) {
    const detail = `the attempt was run as ${sameAttempt.jobId} and as ${jobId}`;
    await report({ kind: "two-jobs", ...named(sameAttempt), jobId, detail });
  } else if (sameAttempt !== undefined && !sameAttempt.underWay) {
    // Between Start's answer and the row there is nothing wrong yet.
    await report({ kind: "not-recorded", ...named(sameAttempt), jobId, detail: `its row is ${sameAttempt.state}` });
  }
  return sameAttempt !== undefined;
}

/** A job that the ledger has nothing of: of a deleted document, of another program, or a difference. */
async function compareStrange(
  job: RecordedJob,
  deletedJobs: readonly DeletedJob[],
  counts: Reconciliation,
  report: Report,
): Promise<void> {
  const { jobId } = job;
  const deleted = deletedJobs.find((known) => known.jobId === jobId);
  if (deleted !== undefined) {
    counts.deleted++;
    if (job.pages === null || deleted.pages === null || job.pages === deleted.pages) return;
    const detail = `the deleted document's entry has ${deleted.pages} pages, Textract ${job.pages}`;
    return report({ kind: "pages-differ", documentId: deleted.documentId, attempt: deleted.attempt, jobId, detail });
  }
  if (!isDockets(job)) counts.others++;
  else {
    const detail = `started before ${job.at.toISOString()}${job.pages === null ? "" : `, ${job.pages} pages`}`;
    await report({ kind: "no-row", documentId: job.jobTag, attempt: null, jobId, detail });
  }
}

/** The ledger, against what the outside knows. */
async function compareEntry(
  ports: ReconcilePorts,
  entry: LedgerEntry,
  seen: readonly Seen[],
  counts: Reconciliation,
  report: Report,
): Promise<void> {
  const { jobId, state, submittedAt } = entry;
  if (jobId === null || submittedAt === null || state === "expired" || state === "refused") return;
  let known: JobResult | null = null;
  if (ports.textract !== null && Date.now() - submittedAt.getTime() < askableMilliseconds) {
    const began = Date.now();
    known = await ask(ports.textract.inRegion(entry.region), jobId, entry.features as Feature[]);
    ports.onProgress(++counts.asked);
    if (known === null) {
      return report({
        kind: "never-run",
        ...named(entry),
        jobId,
        detail: `Textract in ${entry.region} has no such job`,
      });
    }
    if (known.pages !== undefined) await comparePages(entry, known.pages, report);
    await delay(Math.max(0, began + 1000 / ports.textract.perSecond(entry.region) - Date.now()));
  }
  const ended = known === null ? state !== "submitted" : known.status !== "IN_PROGRESS";
  for (const { source, holds, jobIds, from, to } of seen) {
    // Only a period that the records reach over says anything about what is not in them.
    const at = (holds === "ended" ? (entry.finishedAt ?? submittedAt) : submittedAt).getTime();
    const covered = holds === "ended" ? ended : at >= from && at <= to;
    if (covered && !jobIds.has(jobId)) {
      await report({ kind: "never-run", ...named(entry), jobId, detail: `${source} has no such job` });
    }
  }
}

async function ask(api: TextractApi, jobId: string, features: Feature[]): Promise<JobResult | null> {
  try {
    return await api.get({ jobId, features, maxResults: 1 });
  } catch (error) {
    if (error instanceof DocketError && error.type === "TextractJobExpired") return null;
    throw error;
  }
}

async function comparePages(entry: LedgerEntry, pages: number, report: Report): Promise<void> {
  if (entry.pages === null || entry.pages === pages || entry.jobId === null) return;
  const detail = `the ledger has ${entry.pages} pages, Textract ${pages}`;
  await report({ kind: "pages-differ", ...named(entry), jobId: entry.jobId, detail });
}

const named = ({ documentId, attempt }: LedgerEntry) => ({ documentId, attempt });

// Docket's tokens are hashes and its tags documents' ids; other programs of the account have their own.
function isDockets({ token, jobTag }: RecordedJob): boolean {
  const tagged = jobTag !== null && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(jobTag);
  return tagged || (token !== null && /^[0-9a-f]{64}$/.test(token));
}
