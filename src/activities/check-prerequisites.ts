import type { OcrLimits } from "../config.ts";
import { DocketError, type Failure, type FailureType, failureTable } from "../contract/failures.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { type DocumentFacts, inspectDocument } from "../media/inspect-document.ts";
import { describe, type ObjectFacts, type ObjectStorage } from "../storage/object-storage.ts";
import { engineProblems } from "./engine-limits.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface PrerequisitesRequest {
  documentId: string;
  document: DocumentLocation;
  engine: Engine;
}

export interface Prerequisites {
  /** Pages that the document has. */
  pages: number;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** The region whose Textract reads the document: the bucket's. */
  region: string;
}

/** How long looking at the structure of a document may take; the reads are small, a broken file may be endless. */
const inspectMilliseconds = 60_000;

/** Several failed checks as one failure: the first one's type, everybody's message and remedy. */
export class PrerequisitesNotMet extends DocketError {
  readonly failures: Failure[];

  constructor(failures: [Failure, ...Failure[]]) {
    const joined = (part: (failure: Failure) => string) => [...new Set(failures.map(part))].join(" ");
    super(
      failures[0].type,
      joined((f) => f.message),
      { remedy: joined((f) => f.remedy) },
    );
    this.failures = failures;
  }
}

/**
 * Runs every check that must hold before the document may cost time or money, and reports all that fail together.
 * Reads the object by small ranges, never whole.
 *
 * Idempotent: reads only, but for the page count, which it writes as what it read.
 */
export function createCheckPrerequisites(ports: {
  database: Database;
  storage: ObjectStorage;
  /** Bucket for raw results. */
  bucket: string;
  ocrLimits: OcrLimits;
  textractReachable(region: string): Promise<Failure | null>;
}) {
  return function checkPrerequisites(request: PrerequisitesRequest): Promise<Prerequisites> {
    return stayAlive(() => runChecks(request));
  };

  async function runChecks(request: PrerequisitesRequest): Promise<Prerequisites> {
    const { documentId, document, engine } = request;
    const name = describe(document);
    const failures: Failure[] = [];
    const fail = (type: FailureType, message: string) => failures.push(new DocketError(type, message).toFailure());

    const rows = await ports.database.document.findUnique({ where: { id: documentId }, include: { metadata: true } });
    if (rows === null) fail("RecordMissing", `Document ${documentId} (${name}) has no record.`);
    else if (rows.metadata === null) fail("MetadataMissing", `Document ${documentId} (${name}) has no metadata.`);

    const region = await permanentFailureOf(() => ports.storage.bucketRegion(document.bucket), failures);
    const object = await permanentFailureOf(() => ports.storage.head(document), failures);
    if (object !== null && rows?.metadata?.etag && rows.metadata.etag !== object.etag) {
      fail("ObjectChanged", `${name} is not the object that was handed in: its entity tag changed.`);
    }

    let facts: DocumentFacts | null = null;
    if (object !== null) {
      facts = await permanentFailureOf(() => inspect(ports.storage, document, object), failures);
      if (facts !== null) failures.push(...engineProblems(name, facts, engine, ports.ocrLimits));
    }
    if (engine !== "local" && region !== null) {
      const unreachable = await ports.textractReachable(region);
      if (unreachable !== null) failures.push(unreachable);
      // Before Textract is paid: its result must have a place to go to.
      await permanentFailureOf(() => resultsWritable(ports.storage, ports.bucket), failures);
    }

    const [first, ...others] = failures;
    if (first !== undefined) throw new PrerequisitesNotMet([first, ...others]);
    if (facts === null || object === null || region === null) throw new Error("a check without an answer");

    const run = currentRun();
    await ports.database.document.updateMany({
      where: { id: documentId, runId: run.runId },
      data: { expectedPages: facts.pages },
    });
    const detail = { pages: facts.pages, mediaType: facts.mediaType, sizeBytes: object.size, region };
    await recordEvent(ports.database, { documentId, runId: run.runId, kind: "prerequisites-met", detail });
    return { pages: facts.pages, mediaType: facts.mediaType, size: object.size, region };
  }
}

function inspect(storage: ObjectStorage, document: DocumentLocation, object: ObjectFacts): Promise<DocumentFacts> {
  const source = {
    size: object.size,
    read: (offset: number, length: number) => storage.read(document, offset, length),
  };
  return inspectDocument(source, { timeoutMilliseconds: inspectMilliseconds, name: describe(document) });
}

let writableUntil = 0;
const rememberMilliseconds = 5 * 60_000;

/** Writes a mark into the bucket for results; what worked is remembered for five minutes. */
async function resultsWritable(storage: ObjectStorage, bucket: string): Promise<void> {
  if (Date.now() < writableUntil) return;
  try {
    await storage.put(bucket, "textract/.write-check", "Docket can write here.\n", "text/plain");
  } catch (error) {
    if (!(error instanceof DocketError) || failureTable[error.type].retry !== "never") throw error;
    throw new DocketError("ResultsNotWritable", `Results cannot be kept in s3://${bucket}: ${error.message}`);
  }
  writableUntil = Date.now() + rememberMilliseconds;
}

/** Permanent failures are collected; a server that does not answer is for the retry policy. */
async function permanentFailureOf<T>(check: () => Promise<T>, failures: Failure[]): Promise<T | null> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof DocketError) || failureTable[error.type].retry !== "never") throw error;
    const known = failures.some(({ type }) => type === error.type || type === "BucketMissing");
    if (!known) failures.push(error.toFailure());
    return null;
  }
}
