import { ActivityFailure, ApplicationFailure, proxyActivities, setWorkflowOptions } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import {
  type CheckDeploymentInput,
  type CheckDeploymentResult,
  checkedByDefault,
  type DeploymentCheck,
} from "../contract/check-deployment.ts";
import { failureTable } from "../contract/failures.ts";
import { type TaskQueue, taskQueues } from "../contract/process-document.ts";
import { failureOf } from "./document-failure.ts";
import { listOf, optional, requireInput } from "./require-input.ts";
import { gatePolicy } from "./retry-policies.ts";
import { versionedAs } from "./versioning.ts";

// What it looks at is the version that it was started on.
setWorkflowOptions(versionedAs("PINNED"), checkDeployment);

/**
 * The gate of a new version: started on it by name before it gets documents, it asks a worker of each queue whether the
 * environment is what this version needs.
 */
export async function checkDeployment(input: CheckDeploymentInput | null = null): Promise<CheckDeploymentResult> {
  if (input !== null) requireInput(input, { queues: optional(queueNames) }, { further: queuesProblem });
  const queues = input?.queues ?? checkedByDefault;
  const checks = (await Promise.all(queues.map(checksOf))).flat();
  const failures = checks.flatMap(({ failure }) => failure ?? []);
  const [first] = failures;
  if (first === undefined) return { checks };
  throw ApplicationFailure.create({
    type: first.type,
    message: failures.map(({ message }) => message).join(" "),
    nonRetryable: true,
    details: [{ ...first, failures, checks }],
  });
}

const queueNames = listOf("names of queues", (value) => typeof value === "string", 100);

function queuesProblem({ queues }: CheckDeploymentInput): string | null {
  if (queues?.length === 0) return "it names no queue";
  const known: readonly string[] = Object.values(taskQueues);
  const unknown = queues?.filter((queue) => !known.includes(queue)) ?? [];
  return unknown.length === 0 ? null : `${unknown.join(", ")} is no queue of Docket`;
}

async function checksOf(queue: TaskQueue): Promise<DeploymentCheck[]> {
  const { checkWorker } = proxyActivities<Pick<Activities, "checkWorker">>({ ...gatePolicy, taskQueue: queue });
  try {
    return await checkWorker({ queue });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const unable = failureOf(error);
    // A worker that was there, with other keys than those that serve the documents.
    if (unable.type === "PayloadUnreadable") {
      return [{ name: "payload keys", queue, detail: unable.message, failure: unable }];
    }
    const { message } = unable;
    const { remedy } = failureTable.TemporalUnavailable;
    const failure = {
      type: "TemporalUnavailable" as const,
      message: `No worker answered on the queue ${queue}: ${message}`,
      remedy: `Start a worker of this version that serves ${queue}, or leave the queue out. ${remedy}`,
    };
    return [{ name: "worker", queue, detail: "no answer", failure }];
  }
}
