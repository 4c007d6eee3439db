import { DocketError, type Failure, type FailureType } from "../contract/failures.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import { byDriver, type Database } from "../database/client.ts";
import { insertEvent } from "../database/document-events.ts";
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

    const [row] = await byDriver(ports.database).$queryRaw<{ described: boolean; etag: string | null }[]>`
      SELECT m.document_id IS NOT NULL AS described, m.etag
      FROM documents d LEFT JOIN document_metadata m ON m.document_id = d.id WHERE d.id = ${documentId}::uuid`;
    if (row === undefined) fail("RecordMissing", `Document ${documentId} (${name}) has no record.`);
    else if (!row.described) fail("MetadataMissing", `Document ${documentId} (${name}) has no metadata.`);

    const checked = await checkObject(ports, { document, engine, etag: row?.etag });
    const { facts, object, region, staging } = checked;
    failures.push(...checked.failures);

    const [first, ...others] = failures;
    if (first !== undefined) throw new PrerequisitesNotMet([first, ...others]);
    if (facts === null || object === null || region === null) throw new Error("a check without an answer");

    const { runId } = currentRun();
    const { etag, size } = object;
    const { pages, mediaType } = facts;
    // What does not keep the document from being read is still to be seen by whoever wonders about its text.
    const problems = facts.problems.length > 0 ? facts.problems : undefined;
    const detail = { pages, mediaType, sizeBytes: size, region, staging: staging ?? undefined, problems };
    const event = insertEvent({ documentId, runId, kind: "prerequisites-met", detail }, "owned");
    const owned = await byDriver(ports.database).$queryRaw<unknown[]>`
      WITH owned AS (
        UPDATE documents SET expected_pages = ${pages}::int
        WHERE id = ${documentId}::uuid AND run_id = ${runId} AND status = 'processing' RETURNING id),
      -- An object that could not be read when the record was made, and can be now: from here on this one is meant.
      described AS (
        UPDATE document_metadata m
        SET etag = ${etag}, size_bytes = ${size}::bigint, media_type = ${mediaType}, updated_at = now()
        FROM owned WHERE m.document_id = owned.id AND m.etag IS NULL),
      told AS (${event})
      SELECT id::text FROM owned`;
    if (owned.length === 0) throw superseded(documentId, runId);
    return { pages, mediaType, size, region: staging?.region ?? region, staging };
  }
}
