import { readFile } from "node:fs/promises";
import type { History } from "@temporalio/common/lib/proto-utils.js";

/** One way through a workflow, of which every release keeps a history (`test/histories/RELEASE/NAME.json`). */
export interface WorkflowBranch {
  name: string;
  workflow: string;
  /** A regular expression of what the workflow did, as {@link stepsOf} tells it. */
  steps: string;
  end: "COMPLETED" | "FAILED" | "CANCELED" | "CONTINUED_AS_NEW";
  /** What is in the input, where the steps alone do not tell it from another branch. */
  input?: string;
  /** The test that takes this branch, from which `npm run record-histories` records it. */
  test: string;
}

/** Histories by release, and the table of branches. */
export const historiesUrl = new URL("../histories/", import.meta.url);

/** Every branch of every workflow. A new one gets a row in the table, and its history by `npm run record-histories`. */
export async function readBranches(): Promise<WorkflowBranch[]> {
  return JSON.parse(await readFile(new URL("branches.json", historiesUrl), "utf8"));
}

type Event = NonNullable<History["events"]>[number];

/** Activities and children by their types, signals, timers that fired, updates and cancels, in their order, joined by blanks. */
export function stepsOf({ events }: History): string {
  return (events ?? []).flatMap((event) => stepOf(event) ?? []).join(" ");
}

/** The step that an event begins; null for one that begins none. */
export function stepOf(event: Event): string | null {
  return (
    event.activityTaskScheduledEventAttributes?.activityType?.name ??
    event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowType?.name ??
    (event.workflowExecutionSignaledEventAttributes && "signal") ??
    (event.timerFiredEventAttributes && "timer") ??
    (event.workflowExecutionUpdateAcceptedEventAttributes && "update") ??
    (event.workflowExecutionCancelRequestedEventAttributes && "cancel") ??
    (event.requestCancelExternalWorkflowExecutionInitiatedEventAttributes && "cancelDocument") ??
    null
  );
}

/** Whether a history is one of the branch. */
export function isOfBranch(history: History, branch: WorkflowBranch): boolean {
  const [first] = history.events ?? [];
  const last = history.events?.at(-1);
  const { workflowType, input } = first?.workflowExecutionStartedEventAttributes ?? {};
  const started = Buffer.from(input?.payloads?.[0]?.data ?? []).toString("utf8");
  return (
    workflowType?.name === branch.workflow &&
    endOf(last) === branch.end &&
    new RegExp(branch.steps).test(stepsOf(history)) &&
    started.includes(branch.input ?? "")
  );
}

function endOf(event: Event | undefined): WorkflowBranch["end"] | null {
  if (event?.workflowExecutionCompletedEventAttributes) return "COMPLETED";
  if (event?.workflowExecutionFailedEventAttributes) return "FAILED";
  if (event?.workflowExecutionCanceledEventAttributes) return "CANCELED";
  return event?.workflowExecutionContinuedAsNewEventAttributes ? "CONTINUED_AS_NEW" : null;
}
