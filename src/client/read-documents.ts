import { DocketError, type Failure, type FailureType, type MissingPage } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import type { DocumentStatus } from "../database/generated/enums.ts";

/** A document as the database knows it. */
export interface DocumentRecord {
  documentId: string;
  fileName: string | null;
  project: string;
  status: DocumentStatus;
  /** The engine that was asked for. */
  engine: string;
  features: string[];
  /** The run that owns the document now. */
  workflowId: string;
  runId: string;
  location: string;
  pages: number | null;
  storedPages: number | null;
  characters: number | null;
  /** 0-100. */
  meanConfidence: number | null;
  /** Paid jobs over the document's life. */
  textractJobs: number;
  costUsd: number;
  receivedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  failure: Failure | null;
}

export interface DocumentFilter {
  status?: DocumentStatus[];
  project?: string;
}

const selection = {
  id: true,
  bucket: true,
  key: true,
  status: true,
  engine: true,
  features: true,
  workflowId: true,
  runId: true,
  expectedPages: true,
  storedPages: true,
  characters: true,
  meanConfidence: true,
  costUsd: true,
  failureType: true,
  failureMessage: true,
  failureRemedy: true,
  missingPages: true,
  receivedAt: true,
  startedAt: true,
  finishedAt: true,
  project: { select: { slug: true } },
  metadata: { select: { fileName: true } },
  // A job that Textract never took was never paid.
  _count: { select: { textractJobs: { where: { jobId: { not: null } } } } },
} as const;

/** Documents by their ids, in no order; ids that the database does not know are left out. */
export async function readDocuments(database: Database, ids: string[]): Promise<DocumentRecord[]> {
  const rows = await database.document.findMany({ where: { id: { in: ids } }, select: selection });
  return rows.map(toRecord);
}

/** All documents that match, newest first, read a few hundred at a time. */
export async function* listDocuments(database: Database, filter: DocumentFilter): AsyncGenerator<DocumentRecord> {
  const batch = 200;
  // By value, not by a row: the one that was read last may be deleted by now.
  let last: { id: string; receivedAt: Date } | undefined;
  while (true) {
    const rows = await database.document.findMany({
      where: {
        ...whereOf(filter),
        ...(last === undefined
          ? {}
          : { OR: [{ receivedAt: { lt: last.receivedAt } }, { receivedAt: last.receivedAt, id: { lt: last.id } }] }),
      },
      select: selection,
      orderBy: [{ receivedAt: "desc" }, { id: "desc" }],
      take: batch,
    });
    for (const row of rows) yield toRecord(row);
    last = rows.at(-1);
    if (rows.length < batch) return;
  }
}

/** How many documents there are in each status. */
export async function countByStatus(database: Database, filter: DocumentFilter): Promise<Map<DocumentStatus, number>> {
  const groups = await database.document.groupBy({ by: ["status"], where: whereOf(filter), _count: { _all: true } });
  return new Map(groups.map((group) => [group.status, group._count._all]));
}

function whereOf(filter: DocumentFilter) {
  return {
    ...(filter.status === undefined ? {} : { status: { in: filter.status } }),
    ...(filter.project === undefined ? {} : { project: { slug: filter.project } }),
  };
}

type Row = NonNullable<Awaited<ReturnType<typeof findFirst>>>;
const findFirst = (database: Database) => database.document.findFirst({ select: selection });

function toRecord(row: Row): DocumentRecord {
  return {
    documentId: row.id,
    fileName: row.metadata?.fileName ?? null,
    project: row.project.slug,
    status: row.status,
    engine: row.engine.replaceAll("_", "-"),
    features: row.features,
    workflowId: row.workflowId,
    runId: row.runId,
    location: `s3://${row.bucket}/${row.key}`,
    pages: row.expectedPages,
    storedPages: row.storedPages,
    characters: row.characters,
    meanConfidence: row.meanConfidence,
    textractJobs: row._count.textractJobs,
    costUsd: Number(row.costUsd),
    receivedAt: row.receivedAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    failure:
      row.failureType === null
        ? null
        : {
            type: row.failureType as FailureType,
            message: row.failureMessage ?? "",
            remedy: row.failureRemedy ?? "",
            ...(row.missingPages === null ? {} : { missingPages: row.missingPages as unknown as MissingPage[] }),
          },
  };
}

/** The ledger and the audit trail of one document. */
export async function readHistory(database: Database, documentId: string) {
  const [jobs, events] = await Promise.all([
    database.textractJob.findMany({ where: { documentId }, orderBy: { intendedAt: "asc" } }),
    database.documentEvent.findMany({ where: { documentId }, orderBy: [{ at: "asc" }, { id: "asc" }], take: 1000 }),
  ]);
  return {
    jobs: jobs.map(
      ({ attempt, features, pageNumbers, region, jobId, state, statusMessage, pages, costUsd, ...job }) => ({
        attempt,
        features,
        // Empty: all pages.
        pageNumbers,
        region,
        jobId,
        state,
        statusMessage,
        pages,
        costUsd: costUsd === null ? null : Number(costUsd),
        submittedAt: job.submittedAt,
        finishedAt: job.finishedAt,
      }),
    ),
    events: events.map(({ kind, discriminator, detail, at }) => ({ kind, discriminator, detail, at })),
  };
}

/** Which engine read the pages, which may differ from the one that was asked for; null while there are none. */
export async function readEngine(database: Database, documentId: string): Promise<"textract" | "local" | null> {
  const page = await database.page.findFirst({ where: { documentId }, select: { engine: true } });
  return page === null ? null : page.engine === "local" ? "local" : "textract";
}

/**
 * Finds the one document that a person means: by its id, the beginning of its id (four characters or more), or its
 * file name.
 * @throws {DocketError} `RecordMissing` for none, `InvalidInput` for several, naming them
 */
export async function resolveDocument(database: Database, reference: string): Promise<string> {
  return theOneMeant(await candidatesFor(database, reference), reference);
}

/** More are not told apart: a person is shown some of them. */
export const candidateLimit = 11;

/**
 * The one candidate for what a person named.
 * @throws {DocketError} as {@link resolveDocument}
 */
export function theOneMeant(
  candidates: readonly { id: string; metadata: { fileName: string } | null }[],
  reference: string,
): string {
  if (candidates.length === 1 && candidates[0] !== undefined) return candidates[0].id;
  if (candidates.length === 0) {
    throw new DocketError(
      "RecordMissing",
      `No document has the id, the beginning of an id, or the name ${reference}.`,
      {
        remedy: "`docket status` lists the documents.",
      },
    );
  }
  const shown = candidates.slice(0, 10).map(({ id, metadata }) => `${id} (${metadata?.fileName ?? "no name"})`);
  const more = candidates.length > shown.length ? ", and more" : "";
  throw new DocketError("InvalidInput", `${reference} may be any of: ${shown.join(", ")}${more}.`, {
    remedy: "Name one of these ids.",
  });
}

async function candidatesFor(database: Database, reference: string) {
  const select = { id: true, metadata: { select: { fileName: true } } } as const;
  const range = uuidRange(reference);
  if (range !== null) {
    const rows = await database.document.findMany({ where: { id: range }, select, take: candidateLimit });
    if (rows.length > 0) return rows;
  }
  return database.document.findMany({
    where: { metadata: { fileName: reference } },
    select,
    orderBy: { receivedAt: "desc" },
    take: candidateLimit,
  });
}

/** The ids that begin with a prefix, as the first and the last of them: an index answers that. */
export function uuidRange(prefix: string): { gte: string; lte: string } | null {
  const digits = prefix.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{4,32}$/.test(digits)) return null;
  const uuid = (fill: string) => digits.padEnd(32, fill).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { gte: uuid("0"), lte: uuid("f") };
}
