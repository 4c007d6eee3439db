import type { Database } from "../database/client.ts";
import { endedBefore } from "../database/delete-document-rows.ts";

export interface ListRequest {
  project: string;
  /** Only documents that ended this many days ago or more; undefined: all. */
  olderThanDays?: number | undefined;
  /** The last id of the list before; null: from the beginning. */
  after: string | null;
}

/** Ids in one answer. */
const most = 100;

/**
 * The next documents of a project that are to be deleted, in the order of their ids.
 *
 * Idempotent: reads only.
 */
export function createListDocumentsToDelete(ports: { database: Database }) {
  return async function listDocumentsToDelete({ project, olderThanDays, after }: ListRequest): Promise<string[]> {
    const rows = await ports.database.$queryRaw<{ id: string }[]>`
      SELECT d.id::text AS id FROM documents d JOIN projects p ON p.id = d.project_id
      WHERE p.slug = ${project} AND (${after}::uuid IS NULL OR d.id > ${after}::uuid)
        AND (${olderThanDays ?? null}::float8 IS NULL
             OR ${endedBefore(olderThanDays ?? null)})
      ORDER BY d.id LIMIT ${most}::int`;
    return rows.map(({ id }) => id);
  };
}
