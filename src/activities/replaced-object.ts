import { DocketError, failureTable } from "../contract/failures.ts";
import { byDriver, type Database } from "../database/client.ts";
import { describe } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/**
 * Asks whether the object that a finished job read is still the one that the job was meant for: Textract is told a
 * name, not an entity tag, so that an object replaced while the document waited would be read in its place. Asked before
 * the ledger says that the job has ended, and not later: what happens to the object afterwards changes nothing of the
 * text. An object that is not there any more, or may not be looked at, was not replaced.
 *
 * What was paid for another object is not paid for this content: its ledger row says so, and no later attempt takes it.
 * @returns what the document fails with; null when its text is its own
 * @throws {DocketError} what passes by itself, where S3 does not answer
 */
export async function replacedObject(
  { database, storage }: { database: Database; storage: ObjectStorage },
  ledgerId: string,
): Promise<DocketError | null> {
  const [job] = await byDriver(database).$queryRaw<JobObject[]>`
    SELECT bucket, key, content, state::text, object_version AS "objectVersion", object_etag AS "objectEtag"
    FROM textract_jobs WHERE id = ${ledgerId}::uuid`;
  if (job === undefined) return null;
  const object = { bucket: job.bucket, key: job.key };
  const unknown = `unknown/${ledgerId}`;
  if (job.content !== unknown) {
    // A version is not replaced; an attempt of an earlier release has no entity tag.
    if (job.state !== "submitted" || job.objectVersion !== null || job.objectEtag === null) return null;
    const etag = await etagOf(storage, object);
    if (etag === null || etag === job.objectEtag) return null;
    await database.textractJob.update({ where: { id: ledgerId }, data: { content: unknown } });
  }
  const message = `${describe(object)} was replaced before Textract had read it: its entity tag changed. The text is not kept.`;
  return new DocketError("ObjectChanged", message);
}

/** What a ledger row says of the object that its job was meant for. */
interface JobObject {
  bucket: string;
  key: string;
  content: string;
  state: string;
  objectVersion: string | null;
  objectEtag: string | null;
}

/** @returns null where S3 says for good that it cannot be told */
async function etagOf(storage: ObjectStorage, object: { bucket: string; key: string }): Promise<string | null> {
  try {
    return (await storage.head(object)).etag;
  } catch (error) {
    if (error instanceof DocketError && failureTable[error.type].retry !== "policy") return null;
    throw error;
  }
}
