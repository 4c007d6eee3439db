import { DocketError } from "../contract/failures.ts";
import type { Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

/**
 * Selects the document where a run owns it and has not settled it, and holds it so until the transaction ends: a
 * statement, or the first part of one that writes for the owner alone.
 */
export function ownedBy(documentId: string, runId: string): Prisma.Sql {
  return Prisma.sql`
    SELECT id FROM documents
    WHERE id = ${documentId}::uuid AND run_id = ${runId} AND status = 'processing' FOR SHARE`;
}

/**
 * Asks, and holds until the transaction ends, that a run owns the document and has not settled it.
 * @throws {DocketError} `Superseded` otherwise: what an overtaken run knows must not reach the document any more
 */
export async function requireOwner(executor: Executor, documentId: string, runId: string): Promise<void> {
  const rows = await executor.$queryRaw<unknown[]>`${ownedBy(documentId, runId)}`;
  if (rows.length === 0) throw superseded(documentId, runId);
}

/**
 * Asks that a run owns the document and has not settled it, without a lock: what is written elsewhere than in the database
 * can be overtaken all the same, and a lock is a write, which PostgreSQL brings to its disk.
 * @throws {DocketError} `Superseded` otherwise
 */
export async function requireOwnerNow(executor: Executor, documentId: string, runId: string): Promise<void> {
  const rows = await executor.$queryRaw<unknown[]>`
    SELECT 1 FROM documents WHERE id = ${documentId}::uuid AND run_id = ${runId} AND status = 'processing'`;
  if (rows.length === 0) throw superseded(documentId, runId);
}

/** What a run is told that may not write to a document any more. */
export function superseded(documentId: string, runId: string): DocketError {
  return new DocketError("Superseded", `Document ${documentId} belongs to a newer run than ${runId}.`);
}

/** The run that owns a document; null where there is no such document. */
export async function readOwner(
  executor: Executor,
  documentId: string,
): Promise<{ workflowId: string; runId: string } | null> {
  const [row] = await executor.$queryRaw<{ workflowId: string; runId: string }[]>`
    SELECT workflow_id AS "workflowId", run_id AS "runId" FROM documents WHERE id = ${documentId}::uuid`;
  return row ?? null;
}

/**
 * Makes a run of the same workflow id the document's owner, and opens a document that had ended.
 * @returns false where another has taken it meanwhile
 */
export async function takeOver(
  executor: Executor,
  documentId: string,
  run: { from: string; to: string },
): Promise<boolean> {
  const changed = await executor.$executeRaw`
    UPDATE documents SET
      run_id = ${run.to}, status = 'processing', started_at = now(), finished_at = NULL, failure_type = NULL,
      failure_message = NULL, failure_remedy = NULL, missing_pages = NULL
    WHERE id = ${documentId}::uuid AND run_id = ${run.from}`;
  return changed > 0;
}
