import type { Failure } from "./failures.ts";
import type { TaskQueue } from "./process-document.ts";

/** The workflow's type name, as any Temporal client or deployment controller starts it, on the queue `documents`. */
export const checkDeploymentType = "checkDeployment";

/** Input of `checkDeployment`; nothing at all is taken, too. */
export interface CheckDeploymentInput {
  /** Whose workers are asked; the default is {@link checkedByDefault}. `ocr` recognises a small picture. */
  queues?: TaskQueue[];
}

/** What a worker for documents serves. Recognition is a deployment of its own, or there is none. */
export const checkedByDefault: readonly TaskQueue[] = ["documents", "textract-submit", "textract-results"];

/** What was looked at on one queue's worker. */
export interface DeploymentCheck {
  /** For example `database`, `bucket`, `textract`. */
  name: string;
  queue: TaskQueue;
  /** What was found. */
  detail: string;
  /** Null where all is well. */
  failure: Failure | null;
}

/** Result of `checkDeployment`; where a check fails the workflow fails, with the checks in its failure's details. */
export interface CheckDeploymentResult {
  checks: DeploymentCheck[];
}
