import { getClient } from "@temporalio/activity";
import { WorkflowNotFoundError } from "@temporalio/client";
import { currentRun } from "./run-identity.ts";
import { temporalAnswer } from "./temporal-answer.ts";

/**
 * Whether the run that an activity works for is the latest of its workflow id, as Temporal has it: a run that was
 * terminated by a reset or a new start is not, although activities of it may still be at work.
 * @throws {DocketError} `TemporalUnavailable`
 */
export async function isLatestRun(): Promise<boolean> {
  const { workflowId, runId } = currentRun();
  const client = getClient();
  const handle = client.workflow.getHandle(workflowId);
  try {
    const latest = await temporalAnswer(client, `which run of ${workflowId} is the latest`, () => handle.describe());
    return latest.runId === runId;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
