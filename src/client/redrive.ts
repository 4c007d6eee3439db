import type { FailureType, MissingPage } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import type { Engine } from "../contract/process-document.ts";
import { documentBreaker, resetBreaker } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import type { DocumentStatus } from "../database/generated/enums.ts";
import type { Services } from "./connect.ts";
import { planRedrive, type RedriveCost, soonMilliseconds } from "./redrive-plan.ts";
import { type CompleteInput, startDocument } from "./start-document.ts";

/** Which documents are started again. */
export interface RedriveFilter {
  /** Ids; undefined: every document that the other fields leave. */
  ids?: string[] | undefined;
  type?: FailureType | undefined;
  project?: string | undefined;
  /** A batch's id: only its documents. */
  batchId?: string | undefined;
}

/** A document that is to be started again. */
export interface Redrive extends RedriveCost {
  documentId: string;
  fileName: string;
  project: string;
  status: DocumentStatus;
  failureType: string | null;
  /** A paid result would be lost within a day. */
  urgent: boolean;
  input: CompleteInput;
  /** The run that owns the document until then. */
  workflowId: string;
  runId: string;
}

const batch = 200;

/**
 * The failed and incomplete documents with what each would cost, those first whose paid result expires within a day. The
 * list is read twice for that, and never held as a whole.
 */
export async function* findRedrives(database: Database, filter: RedriveFilter, now: Date): AsyncGenerator<Redrive> {
  // A cancelled document was somebody's wish: it is started again where it is named, or its type.
  const statuses: DocumentStatus[] = ["failed", "incomplete"];
  if (filter.type === "Cancelled" || filter.ids !== undefined) statuses.push("cancelled");
  for (const urgent of [true, false]) {
    for await (const redrives of readRedrives(database, filter, statuses, now)) {
      yield* redrives.filter((redrive) => redrive.urgent === urgent);
    }
  }
}

/**
 * Starts a document again. Doing it twice is doing it once: a run that is open is joined.
 * @param priority 1 (first) to 5 (last); an urgent document is first in any case
 */
export async function startRedrive(services: Services, redrive: Redrive, priority: number | undefined): Promise<void> {
  const { documentId, urgent, input, runId } = redrive;
  // A person has said that the cause is cured; five failures in a row would be refused otherwise.
  await resetBreaker(services.database, documentBreaker(documentId));
  const chosen = urgent ? 1 : priority;
  const started = await startDocument(
    services,
    { ...input, ...(chosen === undefined ? {} : { priority: chosen }) },
    true,
  );
  const detail = { failureType: redrive.failureType, billedPages: redrive.billedPages, run: started?.runId ?? null };
  const discriminator = started?.runId ?? "";
  await recordEvent(services.database, { documentId, runId, kind: "redriven", discriminator, detail });
}

/** Documents in one of these states, some hundred at a time, with what a new run of each would cost. */
export async function* readRedrives(
  database: Database,
  filter: RedriveFilter,
  statuses: DocumentStatus[],
  now: Date,
): AsyncGenerator<Redrive[]> {
  const { type, project, batchId } = filter;
  let after: string | undefined;
  while (true) {
    const ofBatch = batchId === undefined ? undefined : await batchDocuments(database, batchId, after ?? null);
    const ids =
      ofBatch === undefined || filter.ids === undefined ? (ofBatch ?? filter.ids) : bothOf(ofBatch, filter.ids);
    const rows = await database.document.findMany({
      where: {
        status: { in: statuses },
        ...(ids === undefined ? {} : { id: { in: ids } }),
        // Documents leave the list while it is read: a position would skip others.
        ...(after === undefined ? {} : { AND: { id: { gt: after } } }),
        ...(type === undefined ? {} : { failureType: type }),
        ...(project === undefined ? {} : { project: { slug: project } }),
      },
      include: { project: { select: { slug: true } }, metadata: true, textractJobs: true },
      orderBy: { id: "asc" },
      take: batch,
    });
    yield rows.map((row) => toRedrive(row, now));
    after = ofBatch === undefined ? rows.at(-1)?.id : ofBatch.at(-1);
    if ((ofBatch ?? rows).length < batch || after === undefined) return;
  }
}

/** The next documents of a batch, by their ids. */
async function batchDocuments(database: Database, batchId: string, after: string | null): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>`
    SELECT document_id::text AS id FROM batch_items
    WHERE batch_id = ${batchId}::uuid AND document_id IS NOT NULL
      AND (${after}::uuid IS NULL OR document_id > ${after}::uuid)
    GROUP BY document_id ORDER BY document_id LIMIT ${batch}`;
  return rows.map(({ id }) => id);
}

function bothOf(some: string[], others: string[]): string[] {
  return some.filter((id) => others.includes(id));
}

type Row = Awaited<ReturnType<typeof findRow>>;
const findRow = (database: Database) =>
  database.document.findFirstOrThrow({
    include: { project: { select: { slug: true } }, metadata: true, textractJobs: true },
  });

function toRedrive(row: Row, now: Date): Redrive {
  const { metadata } = row;
  const features = row.features as Feature[];
  const engine = row.engine.replaceAll("_", "-") as Engine;
  const cost = planRedrive(
    {
      engine,
      features,
      expectedPages: row.expectedPages,
      storedPages: row.storedPages ?? 0,
      missingPages: row.missingPages as unknown as MissingPage[] | null,
      content: metadata?.sha256 ?? row.objectVersion ?? metadata?.etag ?? null,
      jobs: row.textractJobs.filter((job) => job.features.join() === features.join()),
    },
    now,
  );
  // Only content that was read is pinned: an object that was missing may be there by now, as another version.
  const wasRead = metadata !== null && metadata.sha256 !== null && metadata.sizeBytes !== null;
  const version = row.objectVersion === null || !wasRead ? {} : { version: row.objectVersion };
  const fileName = metadata?.fileName ?? row.key.split("/").at(-1) ?? row.id;
  return {
    ...cost,
    documentId: row.id,
    fileName,
    project: row.project.slug,
    status: row.status,
    failureType: row.failureType,
    urgent: cost.resultExpiresAt !== null && cost.resultExpiresAt.getTime() - now.getTime() < soonMilliseconds,
    workflowId: row.workflowId,
    runId: row.runId,
    // Without the hash: the run reads the object once and sees for itself whether it is still the same.
    input: {
      document: { bucket: row.bucket, key: row.key, ...version },
      documentId: row.id,
      project: row.project.slug,
      engine,
      ...splitFeatures(features),
      fileName,
      ...(metadata === null ? {} : { source: metadata.source }),
      customFields: (metadata?.customFields ?? {}) as Record<string, string>,
    },
  };
}
