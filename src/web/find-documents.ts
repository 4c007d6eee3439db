import type { Database } from "../database/client.ts";
import type { DocumentStatus } from "../database/generated/enums.ts";

/** Rows of one page of the list. */
export const listedDocuments = 50;
/** Most projects that the filter offers. */
const offeredProjects = 500;

/** A document's place in the list. */
export interface ListPlace {
  receivedAt: Date;
  id: string;
}

/** What the list shows; undefined: any. */
export interface ListFilter {
  project?: string;
  status?: DocumentStatus;
  failure?: string;
  /** Part of a file's name, in any case. */
  name?: string;
  /** The last document of the page before, by value: it may be deleted, or leave the filter, before the next is asked for. */
  after?: ListPlace;
}

export type ListedDocument = Awaited<ReturnType<typeof findDocuments>>["documents"][number];

/** One page of documents, newest first, and where the next one begins; null: there is none. */
export async function findDocuments(database: Database, filter: ListFilter) {
  const rows = await database.document.findMany({
    where: { ...whereOf(filter), ...olderThan(filter.after) },
    select: {
      id: true,
      key: true,
      status: true,
      expectedPages: true,
      storedPages: true,
      meanConfidence: true,
      costUsd: true,
      failureType: true,
      receivedAt: true,
      project: { select: { slug: true } },
      metadata: { select: { fileName: true } },
    },
    orderBy: [{ receivedAt: "desc" }, { id: "desc" }],
    take: listedDocuments + 1,
  });
  const documents = rows.slice(0, listedDocuments);
  const last = documents.at(-1);
  const next: ListPlace | null =
    rows.length > listedDocuments && last !== undefined ? { receivedAt: last.receivedAt, id: last.id } : null;
  return { documents, next };
}

function olderThan(place: ListPlace | undefined) {
  if (place === undefined) return {};
  const { receivedAt, id } = place;
  return { OR: [{ receivedAt: { lt: receivedAt } }, { receivedAt, id: { lt: id } }] };
}

/** What the filters offer: projects, failure types that occur, and how many documents have each status. */
export async function findChoices(database: Database, filter: ListFilter) {
  const { status: _status, ...others } = filter;
  const [projects, failures, byStatus] = await Promise.all([
    database.project.findMany({ select: { slug: true }, orderBy: { slug: "asc" }, take: offeredProjects }),
    database.document.groupBy({
      by: ["failureType"],
      where: { failureType: { not: null } },
      orderBy: { failureType: "asc" },
    }),
    database.document.groupBy({ by: ["status"], where: whereOf(others), _count: { _all: true } }),
  ]);
  return {
    projects: projects.map(({ slug }) => slug),
    failures: failures.flatMap(({ failureType }) => failureType ?? []),
    counts: new Map(byStatus.map(({ status, _count }) => [status, _count._all])),
  };
}

function whereOf({ project, status, failure, name }: ListFilter) {
  return {
    ...(project === undefined ? {} : { project: { slug: project } }),
    ...(status === undefined ? {} : { status }),
    ...(failure === undefined ? {} : { failureType: failure }),
    // Prisma escapes neither `%` nor `_`, which only widen what is found.
    ...(name === undefined ? {} : { metadata: { fileName: { contains: name, mode: "insensitive" as const } } }),
  };
}
