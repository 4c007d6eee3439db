import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from "@temporalio/client";
import { type DocumentProgress, progressQuery } from "../contract/process-document.ts";

/** Where a document's workflow stands, as the Temporal server tells without asking a worker. */
export interface WorkflowStage {
  /** The latest run. */
  runId: string;
  open: boolean;
  /** Name of the activity that is running or waiting; null between two. */
  stage: string | null;
  /** Why the step waits for its next attempt; null while nothing is wrong. */
  waitingFor: string | null;
  /** Attempts of the pending step, 1 for the first. */
  attempt: number;
}

/** Asks the server; null for a workflow that it does not know. */
export async function readWorkflowStage(temporal: Client, workflowId: string): Promise<WorkflowStage | null> {
  const handle = temporal.workflow.getHandle(workflowId);
  try {
    return toStage(await temporal.withDeadline(Date.now() + 5000, () => handle.describe()));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** What the running workflow says of itself; null where no worker answers within three seconds, or none runs. */
export async function readProgress(temporal: Client, workflowId: string): Promise<DocumentProgress | null> {
  const handle = temporal.workflow.getHandle(workflowId);
  try {
    return await temporal.withDeadline(Date.now() + 3000, () => handle.query<DocumentProgress>(progressQuery));
  } catch {
    // Without a worker there is no answer; what the server itself knows is in the stage.
    return null;
  }
}

function toStage(description: WorkflowExecutionDescription): WorkflowStage {
  const pending = description.raw.pendingActivities?.at(-1);
  const failure = pending?.lastFailure;
  // A job that Textract is still at work on is the normal course, not something to worry about.
  const normal = failure?.applicationFailureInfo?.type === "TextractInProgress";
  return {
    runId: description.runId,
    open: description.status.name === "RUNNING" || description.status.name === "PAUSED",
    stage: pending?.activityType?.name ?? null,
    waitingFor: normal ? null : (failure?.message ?? null),
    attempt: pending?.attempt ?? 1,
  };
}
