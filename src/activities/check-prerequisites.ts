import { DocketError, type Failure, type FailureType } from "../contract/failures.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { superseded } from "../database/document-owner.ts";
import { describe } from "../storage/object-names.ts";
import { type CheckPorts, checkObject } from "./document-checks.ts";
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
  /** The region whose Textract reads the document: the bucket's, or the staging bucket's. */
  region: string;
  /** Where the object must be copied first, because Textract does not serve the region of its own bucket. */
  staging: { bucket: string; region: string } | null;
}

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
 * Idempotent: reads only, but for the page count, and what the metadata could not tell, which it writes as what it read.
 */
export function createCheckPrerequisites(ports: CheckPorts & { database: Database }) {
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

    const checked = await checkObject(ports, { document, engine, etag: rows?.metadata?.etag });
    const { facts, object, region, staging } = checked;
    failures.push(...checked.failures);

    const [first, ...others] = failures;
    if (first !== undefined) throw new PrerequisitesNotMet([first, ...others]);
    if (facts === null || object === null || region === null) throw new Error("a check without an answer");

    const run = currentRun();
    const { etag, size } = object;
    await ports.database.$transaction(async (transaction) => {
      const { count } = await transaction.document.updateMany({
        where: { id: documentId, runId: run.runId, status: "processing" },
        data: { expectedPages: facts.pages },
      });
      if (count === 0) throw superseded(documentId, run.runId);
      // An object that could not be read when the record was made, and can be now: from here on this one is meant.
      await transaction.documentMetadata.updateMany({
        where: { documentId, etag: null },
        data: { etag, sizeBytes: BigInt(size), mediaType: facts.mediaType },
      });
    });
    const { pages, mediaType } = facts;
    const detail = { pages, mediaType, sizeBytes: size, region, staging: staging ?? undefined };
    await recordEvent(ports.database, { documentId, runId: run.runId, kind: "prerequisites-met", detail });
    return { pages, mediaType, size, region: staging?.region ?? region, staging };
  }
}
