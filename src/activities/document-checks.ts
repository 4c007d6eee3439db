import type { OcrLimits } from "../config.ts";
import { DocketError, type Failure, failureTable } from "../contract/failures.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import { type DocumentFacts, type DocumentSource, inspectDocument } from "../media/inspect-document.ts";
import { describe } from "../storage/object-names.ts";
import type { ObjectFacts, ObjectStorage } from "../storage/object-storage.ts";
import { engineProblems } from "./engine-limits.ts";
import { requireWritable } from "./keep-result.ts";

/** What the checks look at. */
export interface CheckPorts {
  storage: ObjectStorage;
  /** Bucket for raw results. */
  bucket: string;
  /** Takes copies of documents from regions that Textract does not serve. */
  stagingBucket: string | undefined;
  ocrLimits: OcrLimits;
  textractReachable(region: string): Promise<Failure | null>;
}

/** What was learned of an object; null where a failure says why it could not be. */
export interface CheckedObject {
  facts: DocumentFacts | null;
  object: ObjectFacts | null;
  /** The bucket's region. */
  region: string | null;
  /** Where the object must be copied first, because Textract does not serve the region of its own bucket. */
  staging: { bucket: string; region: string } | null;
  /** Every check that failed. */
  failures: Failure[];
}

/** How long looking at the structure of a document may take; the reads are small, a broken file may be endless. */
const inspectMilliseconds = 60_000;

/** Bytes that are read together with what S3 says of the object: all of a small document, the first block of a PDF. */
const startBytes = 64 * 1024;

/**
 * Every check of an object in S3 that must hold before it may cost time or money. Reads it by small ranges, never
 * whole.
 * @param request.etag what the entity tag must still be, where it is known
 * @throws {DocketError} only what passes by itself: a service that does not answer
 */
export async function checkObject(
  ports: CheckPorts,
  request: { document: DocumentLocation; engine: Engine; etag?: string | null | undefined },
): Promise<CheckedObject> {
  const { document, engine, etag } = request;
  const name = describe(document);
  const failures: Failure[] = [];
  const region = await permanentFailureOf(() => ports.storage.bucketRegion(document.bucket), failures);
  const start = await permanentFailureOf(() => ports.storage.readStart(document, startBytes), failures);
  const object = start?.facts ?? null;
  if (object !== null && etag && etag !== object.etag) {
    const message = `${name} is not the object that was handed in: its entity tag changed.`;
    failures.push(new DocketError("ObjectChanged", message).toFailure());
  }
  let facts: DocumentFacts | null = null;
  if (start !== null) {
    const content = await checkContent(sourceOf(ports.storage, document, start), name, engine, ports.ocrLimits);
    facts = content.facts;
    addNew(failures, content.failures);
  }
  let staging: CheckedObject["staging"] = null;
  if (engine !== "local" && region !== null) {
    const unreachable = await ports.textractReachable(region);
    if (unreachable !== null) {
      staging = await permanentFailureOf(() => stagingFor(ports, document, region, unreachable), failures);
    }
    // Before Textract is paid: its result must have a place to go to.
    await permanentFailureOf(() => requireWritable(ports.storage, ports.bucket, "DOCKET_BUCKET"), failures);
  }
  return { facts, object, region, staging, failures };
}

/** An object of which the first bytes are there; others are read of that very object. */
function sourceOf(
  storage: ObjectStorage,
  document: DocumentLocation,
  { facts: { size, etag }, start }: { facts: ObjectFacts; start: Uint8Array },
): DocumentSource {
  return {
    size,
    async read(offset, length) {
      const end = offset + length;
      return end <= start.length ? start.subarray(offset, end) : storage.read(document, offset, length, etag);
    },
  };
}

/**
 * The staging bucket, when Textract serves its region.
 * @param unreachable why Textract does not serve the region of the document's own bucket
 * @throws {DocketError} `TextractUnavailableInRegion`, which names the regions and the setting
 */
async function stagingFor(ports: CheckPorts, document: DocumentLocation, bucketRegion: string, unreachable: Failure) {
  const { stagingBucket: bucket } = ports;
  const why = `${describe(document)} is in ${bucketRegion}. ${unreachable.message}`;
  if (bucket === undefined) throw new DocketError(unreachable.type, `${why} DOCKET_STAGING_BUCKET is not set.`);
  const region = await ports.storage.bucketRegion(bucket);
  if ((await ports.textractReachable(region)) !== null) {
    const message = `${why} DOCKET_STAGING_BUCKET (${bucket}) is in ${region}, which is not served either.`;
    throw new DocketError(unreachable.type, message);
  }
  await requireWritable(ports.storage, bucket, "DOCKET_STAGING_BUCKET");
  return { bucket, region };
}

/**
 * Every reason in a document itself why an engine cannot read it.
 * @param name how the messages name the document
 * @throws {DocketError} only what passes by itself
 */
export async function checkContent(
  source: DocumentSource,
  name: string,
  engine: Engine,
  ocrLimits: OcrLimits,
): Promise<{ facts: DocumentFacts | null; failures: Failure[] }> {
  const failures: Failure[] = [];
  const options = { timeoutMilliseconds: inspectMilliseconds, name };
  const facts = await permanentFailureOf(() => inspectDocument(source, options), failures);
  if (facts !== null) failures.push(...engineProblems(name, facts, engine, ocrLimits));
  return { facts, failures };
}

/** Permanent failures are collected; a server that does not answer is for the retry policy. */
async function permanentFailureOf<T>(check: () => Promise<T>, failures: Failure[]): Promise<T | null> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof DocketError) || failureTable[error.type].retry !== "never") throw error;
    addNew(failures, [error.toFailure()]);
    return null;
  }
}

/** One cause is told once: a bucket that is not there is not told again for each request to it. */
function addNew(failures: Failure[], others: readonly Failure[]): void {
  const told = new Set(failures.map(({ type }) => type));
  failures.push(...others.filter(({ type }) => !told.has(type) && !told.has("BucketMissing")));
}
