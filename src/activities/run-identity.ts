import { activityInfo } from "@temporalio/activity";

/** The workflow run that an activity works for: the owner of what it writes. */
export function currentRun(): { workflowId: string; runId: string } {
  const { workflowExecution } = activityInfo();
  if (workflowExecution === undefined) throw new Error("this activity only runs inside a workflow");
  return workflowExecution;
}
