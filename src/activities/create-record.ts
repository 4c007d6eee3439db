import { documentIdFromContent, documentIdFromLocation, projectIdFromSlug } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation, ProcessDocumentResult } from "../contract/process-document.ts";
import type { ValidInput } from "../contract/valid-input.ts";
import { admit, documentBreaker, documentRules } from "../database/circuit-breakers.ts";
import { byDriver, type Database, type Executor } from "../database/client.ts";
import { insertEvent, recordEvent } from "../database/document-events.ts";
import { readOwner, superseded } from "../database/document-owner.ts";
import { type CompleteDocument, completeResult } from "../database/document-results.ts";
import { Prisma } from "../database/generated/client.ts";
import { releaseBudget } from "../database/project-budgets.ts";
import { leaveLines } from "../database/textract-line.ts";
import type { MediaType } from "../media/media-type.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { type IdentifiedObject, identifyObject } from "./identify-object.ts";
import { isLatestRun } from "./latest-run.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface RecordCreated {
  documentId: string;
  /** Where the object is, pinned to the version that was read where the bucket keeps versions. */
  document: DocumentLocation;
  /** Of the content; null for an object that cannot be read, or is too large for any engine. */
  sha256: string | null;
  /** The entity tag of the object that was read; a different one later means that it was replaced. */
  etag: string | null;
  /** Bytes; null for an object that cannot be read, undefined in the histories of earlier versions. */
  size?: number | null;
  /** By the first bytes; null for one that Docket does not read. */
  mediaType?: MediaType | null;
  /** The result, when an earlier run completed the same document with the same engine and features. */
  settled: ProcessDocumentResult | null;
}

/** What a run reads. */
export interface RecordRequest extends ValidInput {
  /** The run that resets began from; undefined in the histories of earlier versions. */
  firstRunId?: string;
}

/**
 * Writes the document's row and makes this workflow run its owner. Where the caller does not know the hash, the
 * object is read once, as a stream: the id is derived from the content, and what is paid is paid for that content; an object that cannot be read
 * gets an id of its place, so that its failure has a record too.
 *
 * Idempotent: the id is derived, the row is inserted or taken over, and a second claim by the same run changes nothing.
 */
export function createCreateRecord(ports: { database: Database; storage: ObjectStorage }) {
  return async function createRecord(input: RecordRequest): Promise<RecordCreated> {
    const { project } = input;
    const object = await stayAlive(() => identifyObject(ports.storage, input));
    const { document, sha256 } = object;
    const documentId =
      input.documentId ??
      (sha256 === null
        ? documentIdFromLocation(project, document.bucket, document.key, document.version)
        : documentIdFromContent(project, sha256));

    const run = currentRun();
    const detail = { bucket: document.bucket, key: document.key, engine: input.engine, features: input.features };
    const event = { documentId, runId: run.runId, kind: "record-created" as const, detail };
    const row = Prisma.sql`
      INSERT INTO documents (id, project_id, bucket, key, object_version, status, engine, features, workflow_id,
                             run_id, started_at)
      SELECT ${documentId}::uuid, p.id, ${document.bucket}, ${document.key}, ${document.version ?? null},
             'processing', ${input.engine}::engine, ${input.features}::text[], ${run.workflowId}, ${run.runId}, now()
      FROM projects p WHERE p.slug = ${project}`;
    // Most documents are new: one statement, where nobody has to be asked and nothing to be held.
    const made = await byDriver(ports.database).$queryRaw<unknown[]>`
      WITH made AS (${row} ON CONFLICT (id) DO NOTHING RETURNING id), told AS (${insertEvent(event, "made")})
      SELECT id::text FROM made`;
    if (made.length > 0) return { documentId, ...object, settled: null };
    await refuseOvertaken(ports.database, documentId);
    return ports.database.$transaction(async (transaction) => {
      const [existing] = await transaction.$queryRaw<{ project_id: string; run_id: string }[]>`
        SELECT project_id::text, run_id FROM documents WHERE id = ${documentId}::uuid FOR UPDATE`;
      if (existing && existing.project_id !== projectIdFromSlug(project)) {
        throw new DocketError("InvalidInput", `Document ${documentId} belongs to another project than ${project}.`, {
          remedy: "Leave documentId out, or name the project that the document belongs to.",
        });
      }
      if (existing && existing.run_id !== run.runId && !input.force) {
        await refuseAfterFailures(transaction, documentId);
        const complete = await completeResult(transaction, documentId);
        const sameWork = complete?.engine === input.engine && complete.features.join() === input.features.join();
        if (complete && isSameContent(complete, object) && sameWork)
          return { documentId, ...object, settled: { ...complete.result, reused: true } };
      }
      if (existing?.run_id !== run.runId) {
        // The run before may have been terminated, or mean other work: nothing else gives its place in line back, nor its
        // reservation. Should a slot be kept for that place, the workers' look calls the next.
        if (existing) {
          const content = object.sha256 ?? object.document.version ?? object.etag;
          // Who forces a reading may mean another attempt; a reset of that run goes on with the one that it has meant.
          const { features, force, firstRunId = "" } = input;
          const kept = { features, content, meantBy: force ? firstRunId : null };
          await leaveLines(transaction, documentId, input.engine === "local" ? null : kept);
          await releaseBudget(transaction, documentId);
        }
        await transaction.$executeRaw`${row}
          ON CONFLICT (id) DO UPDATE SET
            bucket = EXCLUDED.bucket, key = EXCLUDED.key, object_version = EXCLUDED.object_version,
            status = 'processing', engine = EXCLUDED.engine, features = EXCLUDED.features,
            workflow_id = EXCLUDED.workflow_id, run_id = EXCLUDED.run_id, started_at = now(), finished_at = NULL,
            failure_type = NULL, failure_message = NULL, failure_remedy = NULL, missing_pages = NULL`;
      }
      await recordEvent(transaction, event);
      return { documentId, ...object, settled: null };
    });
  };
}

/** By its hash; by the entity tag where it is too large to be hashed. An object that cannot be read is not the same. */
function isSameContent(complete: CompleteDocument, { sha256, etag }: IdentifiedObject): boolean {
  return sha256 === null ? etag !== null && etag === complete.etag : sha256 === complete.sha256;
}

/**
 * Of two runs of one workflow id, as a reset or a restart makes them, the later one owns the document.
 * @throws {DocketError} `Superseded` for the other
 */
async function refuseOvertaken(database: Database, documentId: string): Promise<void> {
  const { workflowId, runId } = currentRun();
  const owner = await readOwner(database, documentId);
  if (owner === null || owner.workflowId !== workflowId || owner.runId === runId) return;
  if (!(await isLatestRun())) throw superseded(documentId, runId);
}

/**
 * Five failed runs in a row close the door for five minutes, each further one for twice as long, up to 80 minutes, so that
 * no caller's loop can hammer one bad document.
 */
async function refuseAfterFailures(executor: Executor, documentId: string): Promise<void> {
  const admission = await admit(executor, documentBreaker(documentId));
  if (admission.allowed) return;
  const seconds = Math.ceil(admission.waitMilliseconds / 1000);
  const message = `Document ${documentId} failed ${documentRules.threshold} times in a row and is refused for ${seconds} s; the last failure was: ${admission.lastError}`;
  throw new DocketError("DocumentRefused", message);
}
