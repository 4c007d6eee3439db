import { randomUUID } from "node:crypto";
import { asyncLocalStorage, type Context } from "@temporalio/activity";
import type { Client } from "@temporalio/client";

/** A workflow run by its two ids. */
export interface WorkflowRun {
  workflowId: string;
  runId: string;
}

/** A run of a workflow of its own, that Temporal does not know. */
export function newRun(name: string): WorkflowRun {
  return { workflowId: `${name}/${randomUUID()}`, runId: randomUUID() };
}

/**
 * Runs what an activity does as an attempt of an activity of that run would, the first one unless said.
 * @param client what the activity asks Temporal by, where it does
 */
export function asRun<T>(
  run: WorkflowRun,
  call: () => Promise<T>,
  client?: Client,
  { attempt = 1, cancellationSignal = new AbortController().signal } = {},
): Promise<T> {
  const of = { activityId: "1", attempt, heartbeatDetails: undefined, scheduledTimestampMs: Date.now() };
  const info = { workflowExecution: run, ...of };
  const context = { info, client, heartbeat: () => {}, cancellationSignal };
  return asyncLocalStorage.run(context as unknown as Context, call);
}
