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
export function documentActivities(input: ProcessDocumentInput | undefined): DocumentActivities {
  const priority = { priorityKey: priorityOf(input), fairnessKey: fairnessKeyOf(input) };
  const summary = nameOf(input);
  const entries = Object.entries(retryPolicies).map(([name, policy]) => [
    name,
    proxyActivities<Activities>({ ...policy, priority, summary }),
  ]);
  return Object.fromEntries(entries);
}

// The input may be anything until the first activity has checked it: a program in another language wrote it, and an
// exception here would be retried for ever instead of failing the document.

/** What the Web UI calls the document. */
export function nameOf(input: ProcessDocumentInput | undefined): string {
  const key: unknown = input?.fileName ?? input?.document?.key;
  const name = typeof key === "string" ? (key.split("/").at(-1) ?? "") : "";
  if (name === "") return "document";
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}

function fairnessKeyOf(input: ProcessDocumentInput | undefined): string {
  const project: unknown = input?.project;
  return typeof project === "string" && /^[a-z0-9-]{1,63}$/.test(project) ? project : "default";
}

function priorityOf(input: ProcessDocumentInput | undefined): number {
  const priority: unknown = input?.priority;
  const valid = typeof priority === "number" && Number.isInteger(priority) && priority >= 1 && priority <= 5;
  return valid ? priority : 3;
}
