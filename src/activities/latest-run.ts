import { getClient } from "@temporalio/activity";
import { WorkflowNotFoundError } from "@temporalio/client";
import { DocketError } from "../contract/failures.ts";
import { currentRun } from "./run-identity.ts";

/**
 * Whether the run that an activity works for is the latest of its workflow id, as Temporal has it: a run that was
 * terminated by a reset or a new start is not, although activities of it may still be at work.
 * @throws {DocketError} `TemporalUnavailable`
 */
export async function isLatestRun(): Promise<boolean> {
  const { workflowId, runId } = currentRun();
  const client = getClient();
  try {
    const handle = client.workflow.getHandle(workflowId);
    return (await client.withDeadline(Date.now() + 5000, () => handle.describe())).runId === runId;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw new DocketError("TemporalUnavailable", `Temporal does not say which run of ${workflowId} is the latest.`, {
      cause: error,
    });
  }
}
