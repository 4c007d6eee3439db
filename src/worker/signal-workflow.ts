import { type Client, WorkflowNotFoundError } from "@temporalio/client";

/**
 * Signals whichever run of a workflow id is at work.
 * @param signal.milliseconds the longest time that Temporal has for the answer
 * @returns false where no such workflow runs
 * @throws the client's own error where Temporal does not answer in time
 */
export async function signalWorkflow(
  client: Client,
  workflowId: string,
  signal: { name: string; args: unknown[]; milliseconds: number },
): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + signal.milliseconds, () =>
      client.workflow.getHandle(workflowId).signal(signal.name, ...signal.args),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
