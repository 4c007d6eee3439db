import { setId } from "./document-id.ts";
import type { Failure } from "./failures.ts";

/** The workflow's type name, as any Temporal client starts it. */
export const deleteDocumentsType = "deleteDocuments";

/** Input of `deleteDocuments`: either ids, or a project. */
export interface DeleteDocumentsInput {
  /** At most 1,000. */
  documentIds?: string[];
  /** All documents of a project. */
  project?: string;
  /** With a project: only documents that ended this many days ago or more, and none that is under way. */
  olderThanDays?: number;
  /**
   * Also the object in S3 that was handed in by its address, which is not Docket's own: the version that was read, or,
   * where the bucket kept none, the object unless another one has taken its place. Default: false.
   */
  withSource?: boolean;
  /** Who wants it; kept with the deletion. */
  requestedBy: string;
  reason?: string;
}

/** Result of `deleteDocuments`. */
export interface DeleteDocumentsResult {
  deleted: number;
  /** Objects that were deleted from S3. */
  objects: number;
  /** Documents that are still there, and why; the first hundred. */
  failed: { documentId: string; failure: Failure }[];
}

/**
 * Workflow id of a deletion: the same for the same documents and the same extent, so that a deletion that is started
 * again joins the one that is under way, and no other.
 */
export function deletionWorkflowId({ documentIds = [], project, withSource = false }: DeleteDocumentsInput): string {
  const extent = withSource ? "/with-source" : "";
  if (project !== undefined) return `delete/project/${project}${extent}`;
  const [first] = documentIds;
  if (documentIds.length === 1) return `delete/${first}${extent}`;
  return `delete/${documentIds.length}-documents/${setId(documentIds)}${extent}`;
}

/** Beginning of the ids of the schedules that keep retentions. */
export const retentionIdPrefix = "retention/";

/** Id of the schedule that keeps a project's retention; its runs' workflow ids begin with it. */
export const retentionScheduleId = (project: string) => `${retentionIdPrefix}${project}`;
