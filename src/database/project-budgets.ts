import { projectIdFromSlug } from "../contract/document-id.ts";
import type { Feature } from "../contract/features.ts";
import type { Database, Executor } from "./client.ts";
import { deletedJobs } from "./deleted-jobs.ts";
import { Prisma } from "./generated/client.ts";

/** A project's budget as its row has it. */
export interface Budget {
  project: string;
  /** US dollars. */
  capUsd: number;
  monthly: boolean;
  /** The month that the figures are of, as 2026-11; `total` for all time. */
  period: string;
  /** Spent, and reserved for attempts that have not ended; US dollars. */
  committedUsd: number;
  /** Since when documents wait for a higher cap; null while none does. */
  reachedAt: Date | null;
}

/** Budgets as they are this month, at most a thousand: of one project, or only those that documents wait for. */
export async function readBudgets(
  executor: Executor,
  project?: string,
  { reached = false }: { reached?: boolean } = {},
): Promise<Budget[]> {
  return executor.$queryRaw<Budget[]>`
    SELECT * FROM (
      SELECT p.slug AS project, b.cap_usd::float8 AS "capUsd", b.monthly,
             CASE WHEN b.monthly THEN to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') ELSE b.period END AS period,
             CASE WHEN b.monthly AND b.period <> to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') THEN 0
                  ELSE b.committed_usd END::float8 AS "committedUsd",
             CASE WHEN b.monthly AND b.period <> to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') THEN NULL
                  ELSE b.reached_at END AS "reachedAt"
      FROM project_budgets b JOIN projects p ON p.id = b.project_id
      WHERE ${project ?? null}::text IS NULL OR p.slug = ${project ?? null}) AS budgets
    WHERE NOT ${reached}::boolean OR "reachedAt" IS NOT NULL ORDER BY project LIMIT 1000`;
}

/** Whether a paid attempt may be made, and whether this call has reserved what it costs. */
export type BudgetAnswer = { allowed: true; reserved: boolean } | { allowed: false; budget: Budget };

/**
 * Reserves what an attempt is expected to cost. The budget's row is changed only where the sum stays within the cap, in
 * the statement that asks: many workers together cannot exceed it. The same attempt is reserved once; a project without
 * a budget may spend.
 * @param attempt.pages pages that the attempt reads; null: all that the document has
 * @param attempt.usdPerPage US dollars
 */
export async function reserveBudget(
  executor: Executor,
  attempt: { ledgerId: string; documentId: string; pages: number | null; usdPerPage: number },
): Promise<BudgetAnswer> {
  const { ledgerId, documentId, pages, usdPerPage } = attempt;
  const [row] = await executor.$queryRaw<
    { slug: string; usd: number; limited: boolean; known: boolean; taken: boolean }[]
  >`
    WITH of_document AS (
      SELECT p.id, p.slug, coalesce(${pages}::int, d.expected_pages, 1) * ${usdPerPage}::numeric AS usd
      FROM documents d JOIN projects p ON p.id = d.project_id WHERE d.id = ${documentId}::uuid),
    this_month AS (SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS name),
    taken AS (
      UPDATE project_budgets b SET
        committed_usd = CASE WHEN b.monthly AND b.period <> this_month.name THEN 0 ELSE b.committed_usd END
                        + of_document.usd,
        period = CASE WHEN b.monthly THEN this_month.name ELSE 'total' END,
        reached_at = CASE WHEN b.monthly AND b.period <> this_month.name THEN NULL ELSE b.reached_at END
      FROM of_document, this_month
      WHERE b.project_id = of_document.id
        AND NOT EXISTS (SELECT 1 FROM budget_reservations r WHERE r.ledger_id = ${ledgerId}::uuid)
        AND CASE WHEN b.monthly AND b.period <> this_month.name THEN 0 ELSE b.committed_usd END
            + of_document.usd <= b.cap_usd
      RETURNING b.project_id, b.period, of_document.usd),
    reserved AS (
      INSERT INTO budget_reservations (ledger_id, project_id, period, usd)
      SELECT ${ledgerId}::uuid, project_id, period, usd FROM taken RETURNING 1)
    SELECT slug, usd::float8, EXISTS (SELECT 1 FROM project_budgets b WHERE b.project_id = of_document.id) AS limited,
           EXISTS (SELECT 1 FROM budget_reservations r WHERE r.ledger_id = ${ledgerId}::uuid) AS known,
           EXISTS (SELECT 1 FROM reserved) AS taken
    FROM of_document`;
  if (row === undefined || !row.limited || row.known || row.taken) {
    return { allowed: true, reserved: row?.taken ?? false };
  }
  // The month may have turned since anything was reserved: what was spent in the last one keeps nobody waiting.
  await executor.$executeRaw`
    WITH now_is AS (
      SELECT b.project_id, CASE WHEN b.monthly THEN month.name ELSE b.period END AS period,
             CASE WHEN turned THEN 0 ELSE b.committed_usd END AS committed_usd,
             CASE WHEN turned THEN now() ELSE coalesce(b.reached_at, now()) END AS reached_at
      FROM project_budgets b, (SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS name) AS month,
           LATERAL (SELECT b.monthly AND b.period <> month.name AS turned) AS of_budget
      WHERE b.project_id = ${projectIdFromSlug(row.slug)}::uuid FOR UPDATE OF b)
    UPDATE project_budgets b SET period = now_is.period, committed_usd = now_is.committed_usd,
                                 reached_at = now_is.reached_at
    FROM now_is
    WHERE b.project_id = now_is.project_id AND now_is.committed_usd + ${row.usd}::numeric > b.cap_usd`;
  const [budget] = await readBudgets(executor, row.slug);
  return budget === undefined ? { allowed: true, reserved: false } : { allowed: false, budget };
}

/**
 * Sets a project's cap. What was spent before counts, also on documents that were deleted since, and so does what is
 * under way, at its expected price; a higher cap lets those that wait go on.
 * @param usdOf price of an attempt that has not ended, US dollars
 */
export async function setBudget(
  database: Database,
  { project, capUsd, monthly }: { project: string; capUsd: number; monthly: boolean },
  usdOf: (attempt: { pages: number; features: Feature[] }) => number,
): Promise<void> {
  const projectId = projectIdFromSlug(project);
  await database.$transaction(async (transaction) => {
    await transaction.$executeRaw`
      INSERT INTO projects (id, slug) VALUES (${projectId}::uuid, ${project}) ON CONFLICT (slug) DO NOTHING`;
    await transaction.$executeRaw`
      INSERT INTO project_budgets (project_id, cap_usd, monthly, period, committed_usd)
      VALUES (${projectId}::uuid, ${capUsd}::numeric, ${monthly}, 'none', 0)
      ON CONFLICT (project_id) DO UPDATE SET cap_usd = EXCLUDED.cap_usd, reached_at = NULL, updated_at = now()`;
    const [row] = await transaction.$queryRaw<{ monthly: boolean; period: string; month: string }[]>`
      SELECT monthly, period, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS month
      FROM project_budgets WHERE project_id = ${projectId}::uuid FOR UPDATE`;
    const period = monthly ? (row?.month ?? "") : "total";
    if (row?.period === period) return;
    // A new budget, or another kind of one: everything of its time is counted once more.
    const open = await transaction.$queryRaw<{ id: string; pages: number; features: Feature[] }[]>`
      SELECT j.id::text, j.features,
             coalesce(nullif(cardinality(j.page_numbers), 0), d.expected_pages, 1)::int AS pages
      FROM textract_jobs j JOIN documents d ON d.id = j.document_id
      WHERE d.project_id = ${projectId}::uuid
        -- What was reserved before Start is on its way; the others are counted when Textract has taken them.
        AND (j.state = 'submitted' OR j.state = 'intended'
             AND EXISTS (SELECT 1 FROM budget_reservations r WHERE r.ledger_id = j.id))`;
    const reservations = open.map((job) => ({ id: job.id, usd: usdOf(job) }));
    const ofPeriod = Prisma.sql`
      (NOT ${monthly} OR to_char(j.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM') = ${period})`;
    // What was at work when its document was deleted is billed, and nobody will ever say how much it was.
    const unsettled = await transaction.$queryRaw<{ pages: number; features: Feature[] }[]>`
      SELECT coalesce(j.pages, j.expected_pages, 1)::int AS pages, j.features
      FROM (${deletedJobs}) AS j
      WHERE j.project = ${project} AND j.state = 'submitted' AND j.cost_usd IS NULL AND ${ofPeriod}`;
    const unsettledUsd = unsettled.reduce((sum, job) => sum + usdOf(job), 0);
    await transaction.$executeRaw`DELETE FROM budget_reservations WHERE project_id = ${projectId}::uuid`;
    await transaction.$executeRaw`
      INSERT INTO budget_reservations (ledger_id, project_id, period, usd)
      SELECT id, ${projectId}::uuid, ${period}, usd
      FROM jsonb_to_recordset(${JSON.stringify(reservations)}::jsonb) AS (id uuid, usd numeric)`;
    await transaction.$executeRaw`
      UPDATE project_budgets SET monthly = ${monthly}, period = ${period}, committed_usd =
        (SELECT coalesce(sum(usd), 0) FROM budget_reservations WHERE project_id = ${projectId}::uuid) +
        (SELECT coalesce(sum(j.cost_usd), 0) FROM textract_jobs j JOIN documents d ON d.id = j.document_id
         WHERE d.project_id = ${projectId}::uuid AND ${ofPeriod}) +
        (SELECT coalesce(sum(j.cost_usd), 0) FROM (${deletedJobs}) AS j WHERE j.project = ${project} AND ${ofPeriod}) +
        ${unsettledUsd}::numeric
      WHERE project_id = ${projectId}::uuid`;
  });
}

/**
 * Counts an attempt that Textract has just taken, where nothing was reserved for it: its Start was on its way while the
 * budget was set. To be called in the transaction that writes the job down, so that a budget which is set at the same
 * time counts it once. It may exceed the cap: the money is spent.
 * @param attempt as for {@link reserveBudget}
 */
export async function countStarted(
  executor: Executor,
  { ledgerId, documentId, pages, usdPerPage }: Parameters<typeof reserveBudget>[1],
): Promise<void> {
  const rows = await executor.$queryRaw<unknown[]>`
    SELECT 1 FROM project_budgets b JOIN documents d ON d.project_id = b.project_id
    WHERE d.id = ${documentId}::uuid FOR UPDATE OF b`;
  if (rows.length === 0) return;
  await executor.$executeRaw`
    WITH reserved AS (
      INSERT INTO budget_reservations (ledger_id, project_id, period, usd)
      SELECT ${ledgerId}::uuid, b.project_id, b.period, coalesce(${pages}::int, d.expected_pages, 1) * ${usdPerPage}::numeric
      FROM project_budgets b JOIN documents d ON d.project_id = b.project_id WHERE d.id = ${documentId}::uuid
      ON CONFLICT (ledger_id) DO NOTHING RETURNING project_id, usd)
    UPDATE project_budgets b SET committed_usd = b.committed_usd + reserved.usd
    FROM reserved WHERE b.project_id = reserved.project_id`;
}

/** Takes a project's cap away. @returns whether there was one */
export async function removeBudget(database: Database, project: string): Promise<boolean> {
  const projectId = projectIdFromSlug(project);
  const [, removed] = await database.$transaction([
    database.$executeRaw`DELETE FROM budget_reservations WHERE project_id = ${projectId}::uuid`,
    database.$executeRaw`DELETE FROM project_budgets WHERE project_id = ${projectId}::uuid`,
  ]);
  return removed > 0;
}

/** What an attempt has cost takes the place of what was reserved for it; 0 for one that was refused. */
export async function settleBudget(executor: Executor, ledgerId: string, usd: number): Promise<void> {
  await executor.$executeRaw`WITH ${settlement(ledgerId, usd)} SELECT 1`;
}

/** What {@link settleBudget} does, as parts of one statement with others. */
export function settlement(ledgerId: string, usd: number): Prisma.Sql {
  return Prisma.sql`
    before AS (SELECT * FROM budget_reservations WHERE ledger_id = ${ledgerId}::uuid FOR UPDATE),
    changed AS (
      UPDATE budget_reservations r SET usd = ${usd}::numeric FROM before
      WHERE r.ledger_id = before.ledger_id AND r.usd <> ${usd}::numeric
      RETURNING r.project_id, r.period, r.usd - before.usd AS difference),
    settled AS (
      UPDATE project_budgets b SET
        committed_usd = greatest(0, b.committed_usd + changed.difference),
        -- What was given back may be enough for those that wait: they try again.
        reached_at = CASE WHEN changed.difference < 0 THEN NULL ELSE b.reached_at END
      FROM changed WHERE b.project_id = changed.project_id AND b.period = changed.period)`;
}

/**
 * Gives back what is reserved for those attempts of a document that Textract has not taken: for a document that ends, is
 * removed, or begins anew without them. Their rows are locked first. A Start that is answered at the same time is either
 * seen as taken here, or counts itself when it is written down ({@link countStarted}).
 *
 * A document that waited for money waits no more, although nothing was reserved for it: the budget does not count as
 * reached until another one finds it so, and the batches of the project go on.
 */
export async function releaseBudget(executor: Executor, documentId: string): Promise<void> {
  await executor.$executeRaw`
    WITH meant AS (
      SELECT id FROM textract_jobs WHERE document_id = ${documentId}::uuid AND state = 'intended' FOR UPDATE),
    released AS (
      DELETE FROM budget_reservations r USING meant WHERE r.ledger_id = meant.id
      RETURNING r.project_id, r.period, r.usd),
    given_back AS (SELECT project_id, period, sum(usd) AS usd FROM released GROUP BY 1, 2)
    UPDATE project_budgets b SET reached_at = NULL,
      committed_usd = greatest(0, b.committed_usd - coalesce(
        (SELECT g.usd FROM given_back g WHERE g.project_id = b.project_id AND g.period = b.period), 0))
    FROM documents d
    WHERE d.id = ${documentId}::uuid AND b.project_id = d.project_id AND EXISTS (SELECT 1 FROM meant)`;
}

/** A budget in words. */
export function describeBudget({ project, committedUsd, capUsd, monthly, period }: Budget): string {
  const of = monthly ? ` of ${period}` : "";
  return `the budget${of} of project ${project}: $${committedUsd.toFixed(4)} of $${capUsd.toFixed(2)} is spent or reserved`;
}
