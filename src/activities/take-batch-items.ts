import { documentIdFromContent, documentIdFromLocation } from "../contract/document-id.ts";
import { DocketError, failureTable } from "../contract/failures.ts";
import { splitFeatures } from "../contract/features.ts";
import type { ProcessDocumentInput } from "../contract/process-document.ts";
import { validateInput } from "../contract/valid-input.ts";
import { settleItem } from "../database/batch-item-ends.ts";
import {
  claimItems,
  followItem,
  identifyItem,
  startOfSameDocument,
  type WaitingItem,
} from "../database/batch-item-turns.ts";
import type { BatchRow } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import { deletionOf, leaveOutDeleted } from "../database/deleted-objects.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { identifyObject, isSameTag } from "./identify-object.ts";
import { toDocketError } from "./to-docket-error.ts";

/** Objects read at once for their hashes, and how long a look at the batch may take for it. */
const readAtOnce = 4;
const readMilliseconds = 20_000;
/** Of the inputs that one look hands to the workflow: a payload is small. */
const mostBytes = 256 * 1024;

interface Ports {
  database: Database;
  storage: ObjectStorage;
}

/**
 * Takes items from the line for a claim. Those whose document is complete already are settled at once; of several with
 * the same content one is started, and the others end as it does.
 * @param claim null: nothing may be started now, and only what needs no start is settled
 */
export async function takeItems(
  ports: Ports,
  batch: BatchRow,
  waiting: WaitingItem[],
  claim: string | null,
): Promise<void> {
  const { database } = ports;
  const until = Date.now() + readMilliseconds;
  const claimed = new Map<string, string>();
  let bytes = 0;
  for (let next = 0; next < waiting.length && Date.now() < until && bytes < mostBytes; next += readAtOnce) {
    const group = waiting.slice(next, next + readAtOnce);
    const identified = await Promise.all(group.map((item) => identify(ports, batch, item)));
    for (const item of identified) {
      const { id, documentId } = item;
      if (!(await isValid(database, batch, item))) continue;
      if (batch.onlyNew && (await isLeftOut(ports, batch, item))) continue;
      if (!batch.force && (await isComplete(database, batch, item))) {
        await settleItem(database, batch.id, id, "reused");
        continue;
      }
      if (claim === null) continue;
      // Whoever followed another item and found nobody at work must not follow it again: it starts its document itself.
      const startedAt = item.lost ? null : await startOfSameDocument(database, batch.id, item);
      if (startedAt !== null) await followItem(database, id, startedAt);
      // In this very claim: it waits for the next look, and follows then.
      else if (!claimed.has(documentId)) {
        claimed.set(documentId, id);
        bytes += JSON.stringify(item).length;
      }
    }
  }
  if (claim !== null && claimed.size > 0) await claimItems(database, [...claimed.values()], claim);
}

/** What a claimed item's document is started with. */
export function inputOf(batch: BatchRow, item: WaitingItem): ProcessDocumentInput {
  const { bucket, key, objectVersion, sha256, etag, fileName, source, customFields, documentId } = item;
  return {
    document: { bucket, key, ...(objectVersion === null ? {} : { version: objectVersion }) },
    project: item.project ?? batch.project,
    ...(documentId === null ? {} : { documentId }),
    ...(sha256 === null ? {} : { sha256, ...(etag ? { etag } : {}) }),
    ...(fileName === null ? {} : { fileName }),
    ...(source === null ? {} : { source }),
    ...(Object.keys(customFields).length === 0 ? {} : { customFields }),
    engine: batch.engine,
    ...splitFeatures(batch.features),
    priority: item.priority ?? batch.priority,
    ...(batch.force ? { force: true } : {}),
  };
}

type Identified = WaitingItem & { documentId: string };

/** The document's id by its content; the object is read once for it, where nobody knows the hash. */
async function identify({ database, storage }: Ports, batch: BatchRow, item: WaitingItem): Promise<Identified> {
  if (item.documentId !== null) return { ...item, documentId: item.documentId };
  const project = item.project ?? batch.project;
  const { bucket, key, objectVersion } = item;
  const location = { bucket, key, ...(objectVersion === null ? {} : { version: objectVersion }) };
  const read = item.sha256 === null ? await identifyObject(storage, { document: location }) : null;
  const sha256 = item.sha256 ?? read?.sha256 ?? null;
  // The very object that was hashed is meant: by the time its turn comes another one may stand there.
  const version = sha256 === null ? null : (read?.document.version ?? null);
  const etag = read?.etag && !(item.etag !== null && isSameTag(item.etag, read.etag)) ? read.etag : null;
  const documentId =
    sha256 === null
      ? documentIdFromLocation(project, bucket, key, location.version)
      : documentIdFromContent(project, sha256);
  await identifyItem(database, item.id, { documentId, sha256, etag, version });
  return { ...item, documentId, sha256, etag: etag ?? item.etag, objectVersion: version ?? objectVersion };
}

/** One that cannot be started ends here, with its reason: it must not keep the others back. */
async function isValid(database: Database, batch: BatchRow, item: Identified): Promise<boolean> {
  try {
    validateInput(inputOf(batch, item));
    return true;
  } catch (error) {
    if (!(error instanceof DocketError) || failureTable[error.type].retry !== "never") throw error;
    await settleItem(database, batch.id, item.id, "failed", error);
    return false;
  }
}

/** A sweep does not bring back what was deleted: the same content that stood under another key at that time. */
async function isLeftOut({ database, storage }: Ports, batch: BatchRow, item: Identified): Promise<boolean> {
  const deletion = await deletionOf(database, item);
  if (deletion === null) return false;
  if (!deletion.listedBefore && !(await stoodThere(storage, item, deletion.deletedAt))) return false;
  return leaveOutDeleted(database, batch.project, item, deletion);
}

/** S3 tells seconds. What came in the same one counts as come since: what is left out once is left out for good. */
async function stoodThere(storage: ObjectStorage, item: Identified, at: Date): Promise<boolean> {
  const { bucket, key, objectVersion } = item;
  try {
    const { modifiedAt } = await storage.head({
      bucket,
      key,
      ...(objectVersion === null ? {} : { version: objectVersion }),
    });
    return modifiedAt !== undefined && Math.floor(modifiedAt.getTime() / 1000) < Math.floor(at.getTime() / 1000);
  } catch (error) {
    if (failureTable[toDocketError(error).type].retry === "policy") throw error;
    // Whoever reads it tells what is wrong with it.
    return false;
  }
}

/** A document may hold other content than its id was made of, where its object was replaced and read again. */
async function isComplete(
  database: Database,
  batch: BatchRow,
  { documentId, sha256 }: Pick<Identified, "documentId" | "sha256">,
): Promise<boolean> {
  const rows = await database.$queryRaw<unknown[]>`
    SELECT 1 FROM documents d WHERE d.id = ${documentId}::uuid AND d.status = 'complete'
      AND d.engine = ${batch.engine}::engine AND d.features = ${batch.features}::text[]
      AND NOT EXISTS (SELECT 1 FROM document_metadata m WHERE m.document_id = d.id AND m.sha256 <> ${sha256})`;
  return rows.length > 0;
}
