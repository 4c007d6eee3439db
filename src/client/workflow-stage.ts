import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from "@temporalio/client";
import { decodeOptionalFailureToOptionalError } from "@temporalio/common/lib/internal-non-workflow/index.js";
import { type DocumentProgress, progressQuery } from "../contract/process-document.ts";

/** Where a document's workflow stands, as the Temporal server tells without asking a worker. */
export interface WorkflowStage {
  /** The run that was asked about, or the latest. */
  runId: string;
  /** The first run of its chain: a reset goes on in the chain of the run before, whoever starts anew begins another. */
  firstRunId: string | null;
  open: boolean;
  /** From its start to its end; null while it is open. */
  milliseconds: number | null;
  /** The name that the workflow was started with; null where it has none. */
  summary: string | null;
  /** Name of the activity that is running or waiting; null between two. */
  stage: string | null;
  /** Why the step waits for its next attempt; null while nothing is wrong. */
  waitingFor: string | null;
  /** Attempts of the pending step, 1 for the first. */
  attempt: number;
}

/**
 * Asks the server; null for a workflow, or a run, that it does not know.
 * @param runId undefined: the latest one
 */
export async function readWorkflowStage(
  temporal: Client,
  workflowId: string,
  runId?: string,
): Promise<WorkflowStage | null> {
  const handle = temporal.workflow.getHandle(workflowId, runId);
  try {
    return await toStage(temporal, await temporal.withDeadline(Date.now() + 5000, () => handle.describe()));
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

// proto: PENDING_ACTIVITY_STATE_SCHEDULED, PENDING_WORKFLOW_TASK_STATE_SCHEDULED.
const scheduled = 1;
// A worker that is there takes a task at once; what waits longer waits for one.
const unclaimedMilliseconds = 3000;

async function toStage(temporal: Client, description: WorkflowExecutionDescription): Promise<WorkflowStage> {
  const { pendingActivities, pendingWorkflowTask, workflowExecutionInfo } = description.raw;
  const { startTime, closeTime } = description;
  const pending = pendingActivities?.at(-1);
  return {
    runId: description.runId,
    firstRunId: workflowExecutionInfo?.firstRunId || null,
    milliseconds: closeTime ? closeTime.getTime() - startTime.getTime() : null,
    open: description.status.name === "RUNNING" || description.status.name === "PAUSED",
    // A name that is encrypted with a key of others is no reason not to tell the rest.
    summary: (await description.staticSummary().catch(() => null)) ?? null,
    stage: pending?.activityType?.name ?? null,
    waitingFor: pending
      ? await whyPending(temporal, pending)
      : whyUnclaimed(pendingWorkflowTask, description.taskQueue),
    attempt: pending?.attempt ?? 1,
  };
}

type Raw = WorkflowExecutionDescription["raw"];
type Failure = NonNullable<NonNullable<Raw["pendingActivities"]>[number]["lastFailure"]>;

async function whyPending(
  temporal: Client,
  pending: NonNullable<Raw["pendingActivities"]>[number],
): Promise<string | null> {
  const failure = pending.lastFailure;
  // A job that Textract is still at work on is the normal course, not something to worry about.
  if (failure?.applicationFailureInfo?.type === "TextractInProgress") return null;
  if (failure?.message) return messageOf(temporal, failure);
  return pending.state === scheduled && ageOf(pending.scheduledTime) > unclaimedMilliseconds ? "its turn" : null;
}

/** The message of a failure, which is a payload where payloads are encrypted. */
async function messageOf(temporal: Client, failure: Failure): Promise<string> {
  const { loadedDataConverter } = temporal.options;
  const error = await decodeOptionalFailureToOptionalError(loadedDataConverter, failure).catch((cause) => cause);
  return error.message;
}

function whyUnclaimed(task: Raw["pendingWorkflowTask"], queue: string): string | null {
  // A worker with other payload keys, or without the code of this workflow: each of its tries fails.
  const failed = (task?.attempt ?? 1) - 1;
  if (failed > 1) return `a worker that can do its workflow task, which failed ${failed} times: see the workers' logs`;
  const unclaimed = task?.state === scheduled && ageOf(task.scheduledTime) > unclaimedMilliseconds;
  return unclaimed ? `a worker for the queue ${queue}` : null;
}

function ageOf(time: { seconds?: { toString(): string } | number | null } | null | undefined): number {
  return time?.seconds ? Date.now() - Number(time.seconds.toString()) * 1000 : 0;
}
