import { failureTable, isFailureType } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";

/** Documents that ended without all of their text for one reason. */
export interface FailureGroup {
  type: string;
  documents: number;
  /** Of these: some pages are there. */
  incomplete: number;
  /** Slugs, in order. */
  projects: string[];
  /** What a person can do. */
  remedy: string;
  /** The newest of them. */
  newest: { documentId: string; fileName: string | null; message: string; finishedAt: Date | null };
}

export interface FailureFilter {
  project?: string | undefined;
  type?: string | undefined;
  /** A batch's id: only its documents. */
  batchId?: string | undefined;
}

/** What has failed, by type, the most frequent first. Documents that were cancelled are listed as `Cancelled`, those whose deletion failed by the type of that failure. */
export async function groupFailures(database: Database, filter: FailureFilter): Promise<FailureGroup[]> {
  const project = filter.project ?? null;
  const type = filter.type ?? null;
  const batchId = filter.batchId ?? null;
  const rows = await database.$queryRaw<GroupRow[]>`
    SELECT d.failure_type AS type, count(*)::int AS documents,
           count(*) FILTER (WHERE d.status = 'incomplete')::int AS incomplete,
           array_agg(DISTINCT p.slug) AS projects,
           (array_agg(d.id::text ORDER BY d.finished_at DESC NULLS LAST, d.id))[1] AS newest
    FROM documents d JOIN projects p ON p.id = d.project_id
    WHERE d.status IN ('failed', 'incomplete', 'cancelled') AND d.failure_type IS NOT NULL
      AND (${project}::text IS NULL OR p.slug = ${project})
      AND (${type}::text IS NULL OR d.failure_type = ${type})
      AND (${batchId}::uuid IS NULL OR EXISTS (
        SELECT 1 FROM batch_items i WHERE i.batch_id = ${batchId}::uuid AND i.document_id = d.id))
    GROUP BY d.failure_type
    ORDER BY documents DESC, type`;
  const newest = await database.document.findMany({
    where: { id: { in: rows.map((row) => row.newest) } },
    select: {
      id: true,
      failureMessage: true,
      failureRemedy: true,
      finishedAt: true,
      metadata: { select: { fileName: true } },
    },
  });
  const byId = new Map(newest.map((document) => [document.id, document]));
  return rows.map(({ newest: documentId, ...row }) => {
    const document = byId.get(documentId);
    const own = document?.failureRemedy ?? "";
    return {
      ...row,
      // Of one document its own remedy, which may name its bucket or page; of several what holds for all.
      remedy: row.documents > 1 && isFailureType(row.type) ? failureTable[row.type].remedy : own,
      newest: {
        documentId,
        fileName: document?.metadata?.fileName ?? null,
        message: document?.failureMessage ?? "",
        finishedAt: document?.finishedAt ?? null,
      },
    };
  });
}

interface GroupRow {
  type: string;
  documents: number;
  incomplete: number;
  projects: string[];
  newest: string;
}
