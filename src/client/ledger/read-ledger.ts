import type { Database } from "../../database/client.ts";
import { deletedJobs } from "../../database/deleted-jobs.ts";
import type { DocumentStatus, TextractJobState } from "../../database/generated/enums.ts";

/** One attempt that was meant to be paid. */
export interface LedgerEntry {
  documentId: string;
  fileName: string | null;
  project: string;
  documentStatus: DocumentStatus;
  /** The document has not ended: what is missing here may still come. */
  underWay: boolean;
  attempt: number;
  region: string;
  features: string[];
  state: TextractJobState;
  jobId: string | null;
  token: string;
  pages: number | null;
  costUsd: number | null;
  intendedAt: Date;
  submittedAt: Date | null;
  finishedAt: Date | null;
}

export interface LedgerFilter {
  project?: string;
  region?: string;
  state?: TextractJobState;
  /** From this point of time on, by when the attempt was meant. */
  since?: Date;
}

/** Jobs, pages and dollars of one project in one region and month (UTC, `YYYY-MM`). */
export interface LedgerTotal {
  project: string;
  region: string;
  month: string;
  jobs: number;
  pages: number;
  costUsd: number;
}

export const selection = {
  id: true,
  documentId: true,
  attempt: true,
  region: true,
  features: true,
  state: true,
  jobId: true,
  token: true,
  pages: true,
  costUsd: true,
  intendedAt: true,
  submittedAt: true,
  finishedAt: true,
  document: {
    select: {
      ...{ status: true, finishedAt: true },
      project: { select: { slug: true } },
      metadata: { select: { fileName: true } },
    },
  },
} as const;

/** The ledger's rows that match, newest first, read a few hundred at a time. */
export async function* listLedger(database: Database, filter: LedgerFilter): AsyncGenerator<LedgerEntry> {
  const batch = 500;
  // By value, not by a row: the one that was read last may be deleted by now.
  let last: { id: string; intendedAt: Date } | undefined;
  while (true) {
    const rows = await database.textractJob.findMany({
      where: {
        ...whereOf(filter),
        ...(last === undefined
          ? {}
          : { OR: [{ intendedAt: { lt: last.intendedAt } }, { intendedAt: last.intendedAt, id: { lt: last.id } }] }),
      },
      select: selection,
      orderBy: [{ intendedAt: "desc" }, { id: "desc" }],
      take: batch,
    });
    for (const row of rows) yield toEntry(row);
    last = rows.at(-1);
    if (rows.length < batch) return;
  }
}

/** The filter in Prisma's words. */
export function whereOf({ project, region, state, since }: LedgerFilter) {
  return {
    ...(region === undefined ? {} : { region }),
    ...(state === undefined ? {} : { state }),
    ...(since === undefined ? {} : { intendedAt: { gte: since } }),
    ...(project === undefined ? {} : { document: { project: { slug: project } } }),
  };
}

/** The rows that hold one of these jobs or tokens. */
export async function findInLedger(
  database: Database,
  jobs: readonly { jobId: string; token: string | null }[],
): Promise<LedgerEntry[]> {
  const jobIds = jobs.map(({ jobId }) => jobId);
  const tokens = jobs.flatMap(({ token }) => token ?? []);
  const where = { OR: [{ jobId: { in: jobIds } }, { token: { in: tokens } }] };
  return (await database.textractJob.findMany({ where, select: selection })).map(toEntry);
}

/** A job of a document that was deleted since, as the deletion's own row keeps it. */
export interface DeletedJob {
  jobId: string;
  documentId: string;
  attempt: number;
  pages: number | null;
}

/** Which of these jobs were of documents that are deleted by now. */
export function findDeleted(database: Database, jobIds: readonly string[]): Promise<DeletedJob[]> {
  return database.$queryRaw<DeletedJob[]>`
    SELECT job ->> 'jobId' AS "jobId", d.document_id::text AS "documentId", (job ->> 'attempt')::int AS attempt,
           (job ->> 'pages')::int AS pages
    FROM deletions d, jsonb_array_elements(d.jobs) AS job WHERE job ->> 'jobId' = ANY(${[...jobIds]}::text[])`;
}

/**
 * What was paid, by project, region and month, also for documents that are deleted by now; attempts that Textract never
 * took are not counted.
 */
export function ledgerTotals(database: Database, filter: LedgerFilter): Promise<LedgerTotal[]> {
  const { project = null, region = null, state = null, since = null } = filter;
  return database.$queryRaw<LedgerTotal[]>`
    SELECT j.project, j.region,
      to_char(coalesce(j.submitted_at, j.intended_at) AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
      count(*)::integer AS jobs, coalesce(sum(j.pages), 0)::integer AS pages,
      coalesce(sum(j.cost_usd), 0)::double precision AS "costUsd"
    FROM (SELECT p.slug AS project, t.region, t.state::text AS state, t.job_id, t.pages, t.cost_usd, t.intended_at,
                 t.submitted_at
          FROM textract_jobs t JOIN documents d ON d.id = t.document_id JOIN projects p ON p.id = d.project_id
          UNION ALL
          SELECT project, region, state, job_id, pages, cost_usd, intended_at, submitted_at
          FROM (${deletedJobs}) AS deleted) AS j
    WHERE j.job_id IS NOT NULL
      AND (${project}::text IS NULL OR j.project = ${project}::text)
      AND (${region}::text IS NULL OR j.region = ${region}::text)
      AND (${state}::text IS NULL OR j.state = ${state}::text)
      AND (${since}::timestamptz IS NULL OR j.intended_at >= ${since}::timestamptz)
    GROUP BY 1, 2, 3 ORDER BY 3 DESC, 1, 2`;
}

type Row = Awaited<ReturnType<typeof findFirst>>;
const findFirst = (database: Database) => database.textractJob.findFirstOrThrow({ select: selection });

export function toEntry({ id: _, document, costUsd, ...row }: Row): LedgerEntry {
  return {
    ...row,
    fileName: document.metadata?.fileName ?? null,
    project: document.project.slug,
    documentStatus: document.status,
    underWay: document.finishedAt === null,
    costUsd: costUsd === null ? null : Number(costUsd),
  };
}
