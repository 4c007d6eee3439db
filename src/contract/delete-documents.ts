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
  /** Also the object in S3 that was handed in by its address, which is not Docket's own. Default: false. */
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

/** Workflow id of the deletion of one document. */
export const deletionWorkflowId = (documentId: string) => `delete/${documentId}`;
/** Workflow id of the deletion of a project's documents. */
export const projectDeletionWorkflowId = (project: string) => `delete/project/${project}`;
/** Id of the schedule that keeps a project's retention; its runs' workflow ids begin with it. */
export const retentionScheduleId = (project: string) => `retention/${project}`;
