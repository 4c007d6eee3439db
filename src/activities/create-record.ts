import { createHash } from "node:crypto";
import { documentIdFromContent, documentIdFromLocation, projectIdFromSlug } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import type { ProcessDocumentResult } from "../contract/process-document.ts";
import type { ValidInput } from "../contract/valid-input.ts";
import { admit, documentBreaker, documentRules } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import { type Executor, recordEvent } from "../database/document-events.ts";
import { completeResult } from "../database/document-results.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface RecordCreated {
  documentId: string;
  sha256: string | null;
  /** The result, when an earlier run completed the same document with the same engine and features. */
  settled: ProcessDocumentResult | null;
}

/**
 * Writes the document's row and makes this workflow run its owner. Where the caller knows neither the document's id
 * nor its hash, the object is read once, as a stream, to derive the id from its content; an object that cannot be read
 * gets an id of its place, so that its failure has a record too.
 *
 * Idempotent: the id is derived, the row is inserted or taken over, and a second claim by the same run changes nothing.
 */
export function createCreateRecord(ports: { database: Database; storage: ObjectStorage }) {
  return async function createRecord(input: ValidInput): Promise<RecordCreated> {
    const { document, project } = input;
    const hash = () => stayAlive(() => hashOfObject(ports.storage, input));
    const sha256 = input.sha256?.toLowerCase() ?? (input.documentId ? null : await hash());
    const documentId =
      input.documentId ??
      (sha256 === null
        ? documentIdFromLocation(project, document.bucket, document.key, document.version)
        : documentIdFromContent(project, sha256));

    const run = currentRun();
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
        if (complete && sameWork) return { documentId, sha256, settled: { ...complete.result, reused: true } };
      }
      if (existing?.run_id !== run.runId) {
        await transaction.$executeRaw`
          INSERT INTO documents (id, project_id, bucket, key, object_version, status, engine, features, workflow_id,
                                 run_id, started_at)
          SELECT ${documentId}::uuid, p.id, ${document.bucket}, ${document.key}, ${document.version ?? null},
                 'processing', ${input.engine}::engine, ${input.features}::text[], ${run.workflowId}, ${run.runId}, now()
          FROM projects p WHERE p.slug = ${project}
          ON CONFLICT (id) DO UPDATE SET
            bucket = EXCLUDED.bucket, key = EXCLUDED.key, object_version = EXCLUDED.object_version,
            status = 'processing', engine = EXCLUDED.engine, features = EXCLUDED.features,
            workflow_id = EXCLUDED.workflow_id, run_id = EXCLUDED.run_id, started_at = now(), finished_at = NULL,
            failure_type = NULL, failure_message = NULL, failure_remedy = NULL`;
      }
      const detail = { bucket: document.bucket, key: document.key, engine: input.engine, features: input.features };
      await recordEvent(transaction, { documentId, runId: run.runId, kind: "record-created", detail });
      return { documentId, sha256, settled: null };
    });
  };
}

/** Five failed runs in a row close the door for five minutes, so that no caller's loop can hammer one bad document. */
async function refuseAfterFailures(executor: Executor, documentId: string): Promise<void> {
  const admission = await admit(executor, documentBreaker(documentId));
  if (admission.allowed) return;
  const seconds = Math.ceil(admission.waitMilliseconds / 1000);
  const message = `Document ${documentId} failed ${documentRules.threshold} times in a row and is refused for ${seconds} s; the last failure was: ${admission.lastError}`;
  throw new DocketError("DocumentRefused", message);
}

async function hashOfObject(storage: ObjectStorage, input: ValidInput): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of await storage.openStream(input.document)) {
      hash.update(chunk);
    }
  } catch (error) {
    const unreadable = ["ObjectMissing", "ObjectForbidden", "BucketMissing", "BucketInOtherRegion"];
    if (error instanceof DocketError && unreadable.includes(error.type)) return null;
    throw error;
  }
  return hash.digest("hex");
}
