import { DocketError, type Failure } from "../contract/failures.ts";
import type { Database, Executor } from "./client.ts";
import { objectDigest } from "./deleted-objects.ts";
import { recordEvent } from "./document-events.ts";
import { Prisma } from "./generated/client.ts";
import { releaseBudget } from "./project-budgets.ts";

/** What a deletion needs to know of a document. */
export interface DocumentToDelete {
  documentId: string;
  project: string;
  bucket: string;
  key: string;
  /** Version of the object that was read; null where the bucket kept none. */
  version: string | null;
  /** Entity tag of the content that was read; null where none was. */
  etag: string | null;
}

/** What is written down of it. */
export interface DeletionNote {
  id: string;
  runId: string;
  requestedBy: string;
  reason: string | null;
  objects: number;
  sourceDeleted: boolean;
  /** Name of the document's circuit breaker, which goes with it. */
  breaker: string;
}

/** Condition on a document `d`: it ended this many days ago or more, and is not under way again. */
export function endedBefore(days: number | null): Prisma.Sql {
  return Prisma.sql`(d.status NOT IN ('received', 'processing')
    AND d.finished_at <= now() - ${days}::float8 * interval '1 day')`;
}

/**
 * Batches without an end that are to hand in the object that a document was made of, or have just done so.
 * @param runId of the deletion that asks: of a document that is its own by now there are none
 */
export async function batchesThatAwait(executor: Executor, documentId: string, runId: string): Promise<string[]> {
  const rows = await executor.$queryRaw<{ id: string }[]>`
    SELECT DISTINCT b.id::text AS id
    FROM documents d JOIN batch_items i ON i.bucket = d.bucket AND i.key = d.key JOIN batches b ON b.id = i.batch_id
    WHERE d.id = ${documentId}::uuid AND d.run_id <> ${runId} AND b.finished_at IS NULL
      AND i.state IN ('waiting', 'claimed', 'started')`;
  return rows.map(({ id }) => id);
}

/**
 * Makes a workflow run the owner of a document that is to be deleted: every other run is superseded from now on.
 * @param olderThanDays only a document that ended this many days ago or more; null: whatever it is doing
 * @returns null where there is no such document, or it is none of these
 * @throws {DocketError} `Superseded` when this run owned it before, and another has taken it since
 */
export async function claimForDeletion(
  database: Database,
  documentId: string,
  { runId, workflowId }: { runId: string; workflowId: string },
  olderThanDays: number | null = null,
): Promise<DocumentToDelete | null> {
  return database.$transaction(async (transaction) => {
    const [row] = await transaction.$queryRaw<
      (Omit<DocumentToDelete, "documentId"> & { runId: string; meant: boolean })[]
    >`
      SELECT d.run_id AS "runId", p.slug AS project, d.bucket, d.key, d.object_version AS version, m.etag,
             ${olderThanDays}::float8 IS NULL OR coalesce(${endedBefore(olderThanDays)}, false) AS meant
      FROM documents d JOIN projects p ON p.id = d.project_id LEFT JOIN document_metadata m ON m.document_id = d.id
      WHERE d.id = ${documentId}::uuid FOR UPDATE OF d`;
    if (row === undefined) return null;
    const claimed = await transaction.documentEvent.count({ where: { documentId, runId, kind: "deletion-begun" } });
    if (claimed > 0 && row.runId !== runId) throw handedInAgain(documentId);
    // Handed in again since it was listed. One that this run has claimed already has no end of its own any more.
    if (claimed === 0 && !row.meant) return null;
    await transaction.$executeRaw`
      UPDATE documents SET run_id = ${runId}, workflow_id = ${workflowId}, status = 'cancelled',
             -- A retention that is interrupted finds it again by when it ended.
             finished_at = coalesce(finished_at, now()),
             missing_pages = NULL, failure_type = 'Cancelled', failure_message = 'The document is being deleted.',
             failure_remedy = 'Wait for the deletion to end. Delete the document again to go on with one that was stopped, or hand it in again to have it back.'
      WHERE id = ${documentId}::uuid AND run_id <> ${runId}`;
    await recordEvent(transaction, { documentId, runId, kind: "deletion-begun" });
    const { runId: _, meant: __, ...document } = row;
    return { documentId, ...document };
  });
}

// How long a document is kept from others at once, and how long before that a last request may begin: S3 is silent for 35 s
// at most before it is given up. The time-out of a transaction lets the row go, and stops nothing that is under way.
const heldMilliseconds = 55_000;
const lastRequestMilliseconds = 35_000;

/**
 * Does something while a document belongs to its deletion, and keeps everybody else from taking it over meanwhile.
 * @param work asks before each request to S3 whether there is still time for it; what is left is done in another call
 * @throws {DocketError} `Superseded` when the document was handed in again
 */
export async function whileDeleting(
  database: Database,
  { documentId, runId }: { documentId: string; runId: string },
  work: (inTime: () => boolean) => Promise<void>,
): Promise<void> {
  await database.$transaction(
    async (transaction) => {
      const until = Date.now() + heldMilliseconds - lastRequestMilliseconds;
      const owned = await transaction.$queryRaw<unknown[]>`
        SELECT 1 FROM documents WHERE id = ${documentId}::uuid AND run_id = ${runId} FOR SHARE`;
      if (owned.length === 0) throw handedInAgain(documentId);
      await work(() => Date.now() < until);
    },
    { timeout: heldMilliseconds },
  );
}

/** Writes why a deletion failed where the document still belongs to it, for whoever looks at the document. */
export async function noteFailedDeletion(
  executor: Executor,
  { documentId, runId }: { documentId: string; runId: string },
  { type, message, remedy }: Failure,
): Promise<void> {
  await executor.$executeRaw`
    UPDATE documents SET failure_type = ${type}, failure_message = ${`The document could not be deleted: ${message}`},
                         failure_remedy = ${remedy}
    WHERE id = ${documentId}::uuid AND run_id = ${runId}`;
}

/**
 * Removes every row of a document and leaves one that says so, in one transaction.
 * @throws {DocketError} `Superseded` when the document was handed in again since it was claimed
 */
export async function deleteRows(database: Database, document: DocumentToDelete, note: DeletionNote): Promise<void> {
  const { documentId, project } = document;
  const { id, runId, requestedBy, reason, objects, sourceDeleted } = note;
  await database.$transaction(
    async (transaction) => {
      const owned = await transaction.$queryRaw<unknown[]>`
        SELECT 1 FROM documents WHERE id = ${documentId}::uuid AND run_id = ${runId} FOR UPDATE`;
      if (owned.length === 0) throw handedInAgain(documentId);
      await transaction.$executeRaw`
        INSERT INTO deletions (id, document_id, project, requested_by, reason, objects, source_deleted, pages, cost_usd,
                               jobs, received_at, object_digests)
        SELECT ${id}::uuid, d.id, ${project}, ${requestedBy}, ${reason}, ${objects}::int, ${sourceDeleted}::boolean,
               d.expected_pages, coalesce(paid.cost, 0), coalesce(paid.jobs, '[]'::jsonb), d.received_at,
               ARRAY(${digests(document)})
        FROM documents d,
             (SELECT sum(cost_usd) AS cost,
                     jsonb_agg(jsonb_build_object('attempt', attempt, 'features', features, 'region', region,
                                                  'state', state, 'jobId', job_id, 'pages', pages,
                                                  'costUsd', cost_usd::float8, 'intendedAt', intended_at,
                                                  'submittedAt', submitted_at)
                               ORDER BY intended_at) AS jobs
              FROM textract_jobs WHERE document_id = ${documentId}::uuid) AS paid
        WHERE d.id = ${documentId}::uuid
        ON CONFLICT (id) DO NOTHING`;
      await releaseBudget(transaction, documentId);
      await transaction.textractJob.deleteMany({ where: { documentId } });
      // A batch's line names the file; where the document came by another key, the batch's own line is not its.
      const { bucket, key } = document;
      await transaction.$executeRaw`
        WITH gone AS (
          DELETE FROM batch_items WHERE bucket = ${bucket} AND key = ${key}
            AND (document_id = ${documentId}::uuid
                 -- Docket's own upload, which is gone, of a line whose turn has not come yet.
                 OR document_id IS NULL AND starts_with(key, ${`documents/${project}/${documentId}/`}))
          RETURNING batch_id, state),
        -- Still counted in its batch's total: one that had not ended there ends so, or the batch would wait for it for ever.
        unended AS (
          SELECT batch_id, count(*)::int AS items FROM gone WHERE state IN ('waiting', 'claimed', 'started')
          GROUP BY batch_id)
        UPDATE batches b SET cancelled = b.cancelled + u.items FROM unended u WHERE b.id = u.batch_id`;
      await transaction.circuitBreaker.deleteMany({ where: { name: note.breaker } });
      // Pages, corrections, metadata and events go with it.
      await transaction.document.delete({ where: { id: documentId } });
    },
    { timeout: 30_000 },
  );
}

/** Digests of the objects that a document was handed in as: of the one that was read, and as its batches list it. */
function digests({ documentId, project, bucket, key }: DocumentToDelete): Prisma.Sql {
  const digest = (etag: Prisma.Sql) => objectDigest(project, bucket, Prisma.sql`${key}::text`, etag);
  return Prisma.sql`
    SELECT ${digest(Prisma.sql`m.etag`)} FROM document_metadata m
    WHERE m.document_id = ${documentId}::uuid AND m.etag IS NOT NULL
    UNION
    SELECT ${digest(Prisma.sql`i.etag`)} FROM batch_items i
    WHERE i.bucket = ${bucket} AND i.key = ${key} AND i.document_id = ${documentId}::uuid AND i.etag IS NOT NULL`;
}

function handedInAgain(documentId: string): DocketError {
  return new DocketError("Superseded", `Document ${documentId} was handed in again while it was being deleted.`, {
    remedy: "Delete it again if that is still meant.",
  });
}

/**
 * Whether a document is deleted, or belongs to a deletion: nobody will ask for what is made of it now.
 * @param ledgerId primary key of a job's row: whether nobody will ask for that job's result. A document that was handed in
 *   again since has jobs of its own.
 */
export async function isDeleted(
  executor: Executor,
  documentId: string,
  ledgerId: string | null = null,
): Promise<boolean> {
  const rows = await executor.$queryRaw<unknown[]>`
    SELECT 1 FROM documents d
    WHERE d.id = ${documentId}::uuid
      AND (${ledgerId}::uuid IS NULL
           OR EXISTS (SELECT 1 FROM textract_jobs j WHERE j.id = ${ledgerId}::uuid AND j.document_id = d.id))
      AND NOT EXISTS (SELECT 1 FROM document_events e
                      WHERE e.document_id = d.id AND e.run_id = d.run_id AND e.kind = 'deletion-begun')`;
  return rows.length === 0;
}

/**
 * Completes the entry of a deletion that took an attempt's row away while Textract was being asked: a job that Textract
 * has taken is billed, the ledger can still be reconciled with it, and it counts for the project's budget at its expected
 * price, whose reservation the deletion gave back.
 * @param job.pages pages that the attempt reads; null: all that the document had
 * @param job.usdPerPage US dollars
 * @returns false where no entry lacks the job
 */
export async function noteJobOfDeleted(
  executor: Executor,
  job: {
    documentId: string;
    attempt: number;
    features: readonly string[];
    jobId: string;
    pages: number | null;
    usdPerPage: number;
  },
): Promise<boolean> {
  const { documentId, attempt, features, jobId, pages, usdPerPage } = job;
  const entry = JSON.stringify({ attempt, features, jobId: null });
  const noted = await executor.$queryRaw<unknown[]>`
    WITH noted AS (
      UPDATE deletions SET jobs = (
        SELECT jsonb_agg(CASE WHEN job @> ${entry}::jsonb AND job -> 'features' = ${JSON.stringify(features)}::jsonb
                              THEN job || jsonb_build_object('jobId', ${jobId}::text, 'state', 'submitted',
                                                             'submittedAt', now())
                              ELSE job END ORDER BY position)
        FROM jsonb_array_elements(jobs) WITH ORDINALITY AS entries (job, position))
      WHERE document_id = ${documentId}::uuid AND EXISTS (
        SELECT 1 FROM jsonb_array_elements(jobs) AS entries (job)
        WHERE job @> ${entry}::jsonb AND job -> 'features' = ${JSON.stringify(features)}::jsonb)
      RETURNING project, pages),
    counted AS (
      UPDATE project_budgets b SET
        committed_usd = b.committed_usd + coalesce(${pages}::int, noted.pages, 1) * ${usdPerPage}::numeric
      FROM noted JOIN projects p ON p.slug = noted.project WHERE b.project_id = p.id)
    SELECT 1 FROM noted`;
  return noted.length > 0;
}

/**
 * The last attempt that was meant for a document before it was deleted, with any features; 0: none. Textract remembers
 * the tokens of those attempts, so that whoever hands the document in again counts on from there.
 */
export async function lastDeletedAttempt(executor: Executor, documentId: string): Promise<number> {
  const [row] = await executor.$queryRaw<{ attempt: number }[]>`
    SELECT coalesce(max((job ->> 'attempt')::int), 0) AS attempt
    FROM deletions d, jsonb_array_elements(d.jobs) AS job WHERE d.document_id = ${documentId}::uuid`;
  return row?.attempt ?? 0;
}
