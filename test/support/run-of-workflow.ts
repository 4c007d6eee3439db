import { randomUUID } from "node:crypto";
import { asyncLocalStorage, type Context } from "@temporalio/activity";

/** A workflow run by its two ids. */
export interface WorkflowRun {
  workflowId: string;
  runId: string;
}

/** A run of a workflow of its own, that Temporal does not know. */
export function newRun(name: string): WorkflowRun {
  return { workflowId: `${name}/${randomUUID()}`, runId: randomUUID() };
}

/** Runs what an activity does as the first attempt of an activity of that run would. */
export function asRun<T>(run: WorkflowRun, call: () => Promise<T>): Promise<T> {
  const info = { workflowExecution: run, attempt: 1, heartbeatDetails: undefined, scheduledTimestampMs: Date.now() };
  const context = { info, heartbeat: () => {}, cancellationSignal: new AbortController().signal };
  return asyncLocalStorage.run(context as unknown as Context, call);
}
