import { basename } from "node:path";
import { documentIdFromContent, documentIdFromLocation, documentWorkflowId } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import { type DocumentLocation, type Engine, largestHashedBytes } from "../contract/process-document.ts";
import { validateInput } from "../contract/valid-input.ts";
import { objectAddress } from "../storage/object-names.ts";
import { storageFailure } from "../storage/storage-failure.ts";
import type { Services } from "./connect.ts";
import { type FoundFile, unreadable } from "./find-documents.ts";
import { type ContentHash, hashContent, hashFile } from "./hash-file.ts";
import { otherWorkOf } from "./other-work.ts";
import { type CompleteInput, type StartedRun, startDocument } from "./start-document.ts";
import { keyPart, storeFile } from "./store-file.ts";
import { readWorkflowStage } from "./workflow-stage.ts";

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
  /**
   * What that run reads, in words, where it was under way already for something else than what is asked for now: of this
   * hand-in nothing was started, and it is to be done again when that run has ended.
   */
  otherWork?: string;
}

/**
 * Hands in files one after another or side by side; files with the same content share one hand-in, so that a forced
 * attempt is started (and paid) once.
 * @throws {DocketError} `InvalidInput` for options that no document can be processed with
 */
export function createFileHandIn(services: Services, options: HandInOptions, signal?: AbortSignal) {
  requireOptions(options);
  const share = oncePerDocument();
  const before: RunsBefore = new Map();
  return async (file: FoundFile): Promise<HandedIn> => {
    const content = await hashFile(file.path, signal).catch((error) => {
      if (signal?.aborted) throw error;
      const { type, message } = unreadable(file.file, error);
      throw new DocketError(type, message, { cause: error });
    });
    const documentId = documentIdFromContent(options.project, content.sha256);
    return share(documentId, () => handInFile(services, { file, content, documentId, before }, options, signal));
  };
}

/** Hand-ins of one document share the first one; one that failed, or joined other work, may be done again. */
function oncePerDocument(): (documentId: string, handIn: () => Promise<HandedIn>) => Promise<HandedIn> {
  const byDocument = new Map<string, Promise<HandedIn>>();
  return (documentId, handIn) => {
    const known = byDocument.get(documentId);
    if (known !== undefined) return known;
    const handedIn = handIn();
    byDocument.set(documentId, handedIn);
    const forget = () => byDocument.delete(documentId);
    handedIn.then(({ otherWork }) => otherWork !== undefined && forget(), forget);
    return handedIn;
  };
}

interface HashedFile {
  file: FoundFile;
  content: ContentHash;
  documentId: string;
  before: RunsBefore;
}

/**
 * Uploads a file unless the same content is there already, and starts its workflow unless the document is complete
 * already. Doing it twice is doing it once.
 * @throws {DocketError} `ObjectChanged`, and what S3, PostgreSQL and Temporal refuse with
 */
async function handInFile(
  services: Services,
  { file, content, documentId, before }: HashedFile,
  options: HandInOptions,
  signal?: AbortSignal,
): Promise<HandedIn> {
  const known = await findKnown(services, { documentId, sha256: content.sha256 }, options);
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
    before,
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
 * Hands in objects that are in S3 already. Each is read once, for its hash; an object that cannot be read gets the id
 * of its address, and its workflow records what is wrong with it. Should another object have taken its place by the time
 * it is read, it fails with `ObjectChanged`, or is read all the same where the bucket keeps versions. Objects with the
 * same content share one hand-in, as files do.
 * @throws {DocketError} `InvalidInput` for options that no document can be processed with
 */
export function createObjectHandIn(services: Services, options: HandInOptions, signal?: AbortSignal) {
  requireOptions(options);
  const share = oncePerDocument();
  const before: RunsBefore = new Map();
  return async (location: DocumentLocation): Promise<HandedIn> => {
    const fileName = basename(location.key);
    const source = objectAddress(location);
    const hashed = await hashObject(services, location, signal);
    if (hashed === null) {
      const documentId = documentIdFromLocation(options.project, location.bucket, location.key, location.version);
      const identified = { document: location, documentId, fileName, source };
      return share(documentId, () => start(services, identified, options, before));
    }
    const documentId = documentIdFromContent(options.project, hashed.sha256);
    return share(documentId, async () => {
      const known = await findKnown(services, { documentId, sha256: hashed.sha256 }, options);
      if (known.complete && !options.force) return { documentId, runId: null };
      return start(services, { ...hashed, documentId, fileName, source }, options, before);
    });
  };
}

/**
 * Before anything is read or stored for it: a project is a part of ids and of S3 keys.
 * @throws {DocketError} `InvalidInput`
 */
function requireOptions({ features, ...options }: HandInOptions): void {
  // In the place of what is not known yet.
  const document = { bucket: "any-bucket", key: "any-key" };
  validateInput({ document, ...options, ...splitFeatures(features) });
}

interface Known {
  /** Complete with this content, and the engine and features that are asked for now. */
  complete: boolean;
  /** Where its content was stored before. */
  location: DocumentLocation | null;
}

async function findKnown(
  services: Services,
  { documentId, sha256 }: { documentId: string; sha256?: string },
  options: HandInOptions,
): Promise<Known> {
  const row = await services.database.document.findUnique({
    where: { id: documentId },
    select: {
      ...{ status: true, engine: true, features: true, bucket: true, key: true, objectVersion: true },
      metadata: { select: { sha256: true } },
    },
  });
  if (row === null) return { complete: false, location: null };
  // A document may hold other content than its id was made of, where its object was replaced and read again.
  const held = row.metadata?.sha256 ?? sha256;
  const sameRequest =
    row.engine.replaceAll("_", "-") === options.engine &&
    row.features.toSorted().join() === options.features.toSorted().join();
  return {
    complete: row.status === "complete" && sameRequest && held === sha256,
    location: { bucket: row.bucket, key: row.key, ...versionOf(row.objectVersion) },
  };
}

function versionOf(version: string | null): { version?: string } {
  return version === null ? {} : { version };
}

/**
 * The object's SHA-256 and what tells it from others; null when it cannot be read, or is too large to be, for a reason to
 * be recorded.
 */
async function hashObject(
  services: Services,
  document: DocumentLocation,
  signal?: AbortSignal,
): Promise<{ document: DocumentLocation; sha256: string; etag?: string } | null> {
  const recorded = ["ObjectMissing", "ObjectForbidden", "BucketMissing", "BucketInOtherRegion"];
  try {
    const { facts, body } = await services.storage.open(document, signal);
    if (facts.size > largestHashedBytes) {
      body.destroy();
      return null;
    }
    const { sha256 } = await hashContent(body, signal);
    const { version, etag } = facts;
    // "null" is how S3 names the version of an object from before its bucket kept versions.
    const pinned = version === undefined || version === "null" ? {} : { version };
    return { document: { ...document, ...pinned }, sha256, ...(etag === "" ? {} : { etag }) };
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
  etag?: string;
};

/** The run that a document had before its forced hand-in was first tried, by the document's id; null where it had none. */
type RunsBefore = Map<string, string | null>;

async function start(
  services: Services,
  identified: Identified,
  options: HandInOptions,
  before: RunsBefore,
): Promise<HandedIn> {
  const { documentId } = identified;
  if (options.force) {
    // A start whose answer was lost may have ended by now: a second one would be paid again.
    const latest = (await readWorkflowStage(services.temporal, documentWorkflowId(documentId)))?.runId ?? null;
    const earlier = before.get(documentId);
    if (latest !== null && earlier !== undefined && latest !== earlier) {
      before.delete(documentId);
      return { documentId, runId: latest };
    }
    before.set(documentId, latest);
  }
  const input = {
    ...identified,
    project: options.project,
    engine: options.engine,
    ...splitFeatures(options.features),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.force ? { force: true } : {}),
  };
  const started = await startDocument(services, input, options.force ?? false);
  before.delete(documentId);
  if (started !== null) return handedIn(services, input, started);
  // A run completed before, yet the database did not hold this result: it may have completed a moment ago, or it was
  // for another engine, other features, or another database. The database decides.
  const known = await findKnown(services, identified, options);
  if (known.complete) return { documentId, runId: null };
  const again = await startDocument(services, input, true);
  return again === null ? { documentId, runId: null } : handedIn(services, input, again);
}

async function handedIn(
  { temporal }: Services,
  input: CompleteInput,
  { runId, joined }: StartedRun,
): Promise<HandedIn> {
  const otherWork = joined ? await otherWorkOf(temporal, input, runId) : null;
  return { documentId: input.documentId, runId, ...(otherWork === null ? {} : { otherWork }) };
}
