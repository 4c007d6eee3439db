import { type ActivityInterfaceFor, proxyActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import type { ProcessDocumentInput } from "../contract/process-document.ts";
import { retryPolicies } from "./retry-policies.ts";

type Policy = keyof typeof retryPolicies;

/** The document's activities, grouped by their retry policy. */
export type DocumentActivities = { [name in Policy]: ActivityInterfaceFor<Activities> };

/**
 * Activities that carry the document's priority, and its project as the fairness key: within one priority no project
 * waits for another's backlog.
 */
export function documentActivities(input: ProcessDocumentInput): DocumentActivities {
  const priority = { priorityKey: priorityOf(input), fairnessKey: String(input.project ?? "default").slice(0, 64) };
  const summary = nameOf(input);
  const entries = Object.entries(retryPolicies).map(([name, policy]) => [
    name,
    proxyActivities<Activities>({ ...policy, priority, summary }),
  ]);
  return Object.fromEntries(entries);
}

/** What the Web UI calls the document. */
export function nameOf(input: ProcessDocumentInput): string {
  const name = input.fileName ?? input.document?.key?.split("/").at(-1) ?? "document";
  return name.length > 120 ? `${name.slice(0, 119)}…` : name;
}

// The input is not validated yet when the first activity is scheduled; the server refuses a priority out of range.
function priorityOf({ priority }: ProcessDocumentInput): number {
  return Number.isInteger(priority) && priority !== undefined && priority >= 1 && priority <= 5 ? priority : 3;
}
