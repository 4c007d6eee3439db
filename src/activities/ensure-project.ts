import { projectIdFromSlug } from "../contract/document-id.ts";
import type { ProcessDocumentInput } from "../contract/process-document.ts";
import type { ValidInput } from "../contract/valid-input.ts";
import { validateInput } from "../contract/valid-input.ts";
import { byDriver, type Database } from "../database/client.ts";

/** The workflow's input, checked. */
export interface ProjectEnsured extends ValidInput {
  /**
   * For so long the list of workflows is told of no further step; undefined in the histories of earlier versions, which
   * told of every step, or with `listsSeldom` of those that a document may stay in.
   */
  listsAfterMilliseconds?: number;
  listsSeldom?: boolean;
}

/**
 * Checks the workflow's input and makes the project row that everything else refers to.
 *
 * Idempotent: an insert that does nothing where the slug is already there.
 */
export function createEnsureProject(ports: { database: Database; listsAfterMilliseconds: number }) {
  return async function ensureProject(input: ProcessDocumentInput): Promise<ProjectEnsured> {
    const valid = validateInput(input);
    await byDriver(ports.database).$executeRaw`
      INSERT INTO projects (id, slug) VALUES (${projectIdFromSlug(valid.project)}::uuid, ${valid.project})
      ON CONFLICT (slug) DO NOTHING`;
    return { ...valid, listsAfterMilliseconds: ports.listsAfterMilliseconds };
  };
}
