import { basename } from "node:path";
import { documentIdFromContent, documentIdFromLocation } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import { objectAddress } from "../storage/object-names.ts";
import { storageFailure } from "../storage/storage-failure.ts";
import type { Services } from "./connect.ts";
import { type FoundFile, unreadable } from "./find-documents.ts";
import { type ContentHash, hashContent, hashFile } from "./hash-file.ts";
import { startDocument } from "./start-document.ts";
import { keyPart, storeFile } from "./store-file.ts";

/** How documents are to be processed. */
export interface HandInOptions {
  project: string;
  engine: Engine;
  /** What Textract is asked for beyond text, as {@link featuresOf} makes it. */
  features: Feature[];
  /** 1 (first) to 5 (last); undefined: the server's default, 3. */
  priority?: number | undefined;
  /** A new attempt, paid again, also for a document that is complete. */
  force?: boolean;
}

/** A document that was handed in. */
export interface HandedIn {
  documentId: string;
  /** The run to wait for; null when the document was complete already and nothing was started. */
  runId: string | null;
}

/**
 * Hands in files one after another or side by side; files with the same content share one hand-in, so that a forced
 * attempt is started (and paid) once.
 */
export function createFileHandIn(services: Services, options: HandInOptions, signal?: AbortSignal) {
  const byDocument = new Map<string, Promise<HandedIn>>();
  return async (file: FoundFile): Promise<HandedIn> => {
    const content = await hashFile(file.path, signal).catch((error) => {
      if (signal?.aborted) throw error;
      const { type, message } = unreadable(file.file, error);
      throw new DocketError(type, message, { cause: error });
    });
    const documentId = documentIdFromContent(options.project, content.sha256);
    const handedIn = byDocument.get(documentId) ?? handInFile(services, file, content, documentId, options, signal);
    byDocument.set(documentId, handedIn);
    // One that failed may be tried again.
    handedIn.catch(() => byDocument.delete(documentId));
    return handedIn;
  };
}

/**
 * Uploads a file unless the same content is there already, and starts its workflow unless the document is complete
 * already. Doing it twice is doing it once.
 * @throws {DocketError} `ObjectChanged`, and what S3, PostgreSQL and Temporal refuse with
 */
async function handInFile(
  services: Services,
  file: FoundFile,
  content: ContentHash,
  documentId: string,
  options: HandInOptions,
  signal?: AbortSignal,
): Promise<HandedIn> {
  const known = await findKnown(services, documentId, options);
  if (known.complete && !options.force) return { documentId, runId: null };
  const fileName = basename(file.path);
  const target = {
    bucket: services.config.storage.bucket,
    key: `documents/${options.project}/${documentId}/${keyPart(fileName)}`,
  };
  const document = await storeFile(services, file, content, [known.location, target], signal);
  return start(
    services,
    { document, documentId, sha256: content.sha256, fileName, source: file.path.slice(0, 2048) },
    options,
  );
}

/**
 * Uploads a file for whoever starts its document later, unless the same content is there already.
 * @throws {DocketError} `FileUnreadable`, `ObjectChanged`, and what S3 and PostgreSQL refuse with
 */
export async function uploadFile(
  services: Services,
  file: FoundFile,
  project: string,
  signal?: AbortSignal,
): Promise<{ document: DocumentLocation; sha256: string }> {
  const content = await hashFile(file.path, signal).catch((error) => {
    if (signal?.aborted) throw error;
    const { type, message } = unreadable(file.file, error);
    throw new DocketError(type, message, { cause: error });
  });
  const documentId = documentIdFromContent(project, content.sha256);
  const row = await services.database.document.findUnique({
    where: { id: documentId },
    select: { bucket: true, key: true, objectVersion: true },
  });
  const before = row === null ? null : { bucket: row.bucket, key: row.key, ...versionOf(row.objectVersion) };
  const key = `documents/${project}/${documentId}/${keyPart(basename(file.path))}`;
  const target = { bucket: services.config.storage.bucket, key };
  const document = await storeFile(services, file, content, [before, target], signal);
  return { document, sha256: content.sha256 };
}

/**
 * Hands in an object that is in S3 already. It is read once, for its hash; an object that cannot be read gets the id
 * of its address, and its workflow records what is wrong with it.
 */
export async function handInObject(
  services: Services,
  document: DocumentLocation,
  options: HandInOptions,
  signal?: AbortSignal,
): Promise<HandedIn> {
  const fileName = basename(document.key);
  const source = objectAddress(document);
  const sha256 = await hashObject(services, document, signal);
  if (sha256 === null) {
    const documentId = documentIdFromLocation(options.project, document.bucket, document.key, document.version);
    return start(services, { document, documentId, fileName, source }, options);
  }
  const documentId = documentIdFromContent(options.project, sha256);
  const known = await findKnown(services, documentId, options);
  if (known.complete && !options.force) return { documentId, runId: null };
  return start(services, { document, documentId, sha256, fileName, source }, options);
}

interface Known {
  /** Complete with the engine and features that are asked for now. */
  complete: boolean;
  /** Where its content was stored before. */
  location: DocumentLocation | null;
}

async function findKnown(services: Services, documentId: string, options: HandInOptions): Promise<Known> {
  const row = await services.database.document.findUnique({
    where: { id: documentId },
    select: { status: true, engine: true, features: true, bucket: true, key: true, objectVersion: true },
  });
  if (row === null) return { complete: false, location: null };
  const sameRequest =
    row.engine.replaceAll("_", "-") === options.engine &&
    row.features.toSorted().join() === options.features.toSorted().join();
  return {
    complete: row.status === "complete" && sameRequest,
    location: { bucket: row.bucket, key: row.key, ...versionOf(row.objectVersion) },
  };
}

function versionOf(version: string | null): { version?: string } {
  return version === null ? {} : { version };
}

/** The object's SHA-256; null when it cannot be read for a reason that the workflow is to record. */
async function hashObject(
  services: Services,
  document: DocumentLocation,
  signal?: AbortSignal,
): Promise<string | null> {
  const recorded = ["ObjectMissing", "ObjectForbidden", "BucketMissing", "BucketInOtherRegion"];
  try {
    const stream = await services.storage.openStream(document, signal);
    return (await hashContent(stream, signal)).sha256;
  } catch (error) {
    if (error instanceof DocketError && recorded.includes(error.type)) return null;
    // A connection that breaks in the middle of the body says so without a name of S3's.
    if (signal?.aborted) throw error;
    return storageFailure(error, document);
  }
}

type Identified = {
  document: DocumentLocation;
  documentId: string;
  fileName: string;
  source: string;
  sha256?: string;
};

async function start(services: Services, identified: Identified, options: HandInOptions): Promise<HandedIn> {
  const { documentId } = identified;
  const input = {
    ...identified,
    project: options.project,
    engine: options.engine,
    ...splitFeatures(options.features),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.force ? { force: true } : {}),
  };
  const started = await startDocument(services, input, options.force ?? false);
  if (started !== null) return { documentId, runId: started.runId };
  // A run completed before, yet the database did not hold this result: it may have completed a moment ago, or it was
  // for another engine, other features, or another database. The database decides.
  const known = await findKnown(services, documentId, options);
  if (known.complete) return { documentId, runId: null };
  const again = await startDocument(services, input, true);
  return { documentId, runId: again?.runId ?? null };
}
