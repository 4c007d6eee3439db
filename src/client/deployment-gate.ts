import { setTimeout as sleep } from "node:timers/promises";
import { type Client, WorkflowFailedError } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { decodeOptionalFailureToOptionalError } from "@temporalio/common/lib/internal-non-workflow/index.js";
import type { WorkerVersion } from "../config.ts";
import {
  type CheckDeploymentInput,
  type CheckDeploymentResult,
  checkDeploymentType,
  type DeploymentCheck,
} from "../contract/check-deployment.ts";
import { DocketError, isFailureType } from "../contract/failures.ts";
import { type TaskQueue, taskQueues } from "../contract/process-document.ts";
import { saysUnreadable } from "../payloads/payload-codec.ts";
import { temporalRefusal } from "./temporal-refusal.ts";

/** The workflow's own time-outs end it sooner; milliseconds. */
const longestGate = 5 * 60_000;
const answerMilliseconds = 10_000;
const announceMilliseconds = 10_000;

/**
 * Runs the gate on a version, whether or not it is the current one. Two runs for one version at the same time are one.
 * @returns what was looked at, failed checks included
 * @throws {DocketError} `InvalidInput` for a version that no worker has announced, `PayloadUnreadable` where its workers
 *   have other keys than this process, `TemporalUnavailable`
 */
export async function checkVersion(
  temporal: Client,
  version: WorkerVersion,
  queues: TaskQueue[],
): Promise<DeploymentCheck[]> {
  const unserved = await unservedQueues(temporal, version, queues);
  const told = unserved.map(nobodyServes);
  const asked = queues.filter((queue) => !unserved.includes(queue));
  // The workflow itself runs on a worker of the documents.
  if (asked.length === 0 || unserved.includes(taskQueues.documents)) return told;
  return [...(await askWorkers(temporal, version, asked)), ...told];
}

async function askWorkers(temporal: Client, version: WorkerVersion, queues: TaskQueue[]): Promise<DeploymentCheck[]> {
  const input: CheckDeploymentInput = { queues };
  const handle = await temporal.workflow.start(checkDeploymentType, {
    workflowId: `gate/${version.deploymentName}/${version.buildId}`,
    taskQueue: taskQueues.documents,
    args: [input],
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
    workflowIdConflictPolicy: "USE_EXISTING",
    workflowExecutionTimeout: longestGate,
    versioningOverride: { pinnedTo: version },
    staticSummary: `${version.deploymentName} ${version.buildId}`.slice(0, 200),
  });
  let unreadable: string | null;
  try {
    const { workflowId, firstExecutionRunId: runId } = handle;
    unreadable = await whyUnreadable(temporal, { workflowId, runId });
    if (unreadable === null) {
      const { checks }: CheckDeploymentResult = await handle.result();
      return checks;
    }
  } catch (error) {
    return checksOf(error, version);
  }
  await handle.terminate("payload keys differ");
  throw keysDiffer(version, unreadable);
}

/**
 * Waits for the end of a run, or until a worker fails its task because it cannot read it: the server has that tried again
 * for as long as the run may last, and nobody is told.
 * @returns what the worker says; null at the end of the run
 */
async function whyUnreadable(
  temporal: Client,
  execution: { workflowId: string; runId: string },
): Promise<string | null> {
  const { namespace, loadedDataConverter } = temporal.options;
  let nextPageToken: Uint8Array | null | undefined;
  do {
    // Answered when there is something new, or with nothing after some time.
    const answer = await temporal.workflowService.getWorkflowExecutionHistory({
      ...{ namespace, execution, waitNewEvent: true },
      ...(nextPageToken ? { nextPageToken } : {}),
    });
    for (const { workflowTaskFailedEventAttributes: failed } of answer.history?.events ?? []) {
      if (!failed) continue;
      const told = await decodeOptionalFailureToOptionalError(loadedDataConverter, failed.failure).catch(
        (error: Error) => error,
      );
      if (told && saysUnreadable(told.message)) return told.message;
    }
    ({ nextPageToken } = answer);
  } while (nextPageToken?.length);
  return null;
}

function keysDiffer({ deploymentName, buildId }: WorkerVersion, how: string, cause?: unknown): DocketError {
  const message = `The payload keys of ${deploymentName} ${buildId}, or of this command, are not the same: ${how}`;
  const remedy = "Give all workers of the version and this command the same DOCKET_PAYLOAD_KEYS, then run it again.";
  return new DocketError("PayloadUnreadable", message, { remedy, cause });
}

/** Lets a version have all new documents; those under way stay where they are. */
export async function makeCurrent(temporal: Client, { deploymentName, buildId }: WorkerVersion): Promise<void> {
  const { namespace } = temporal.options;
  await temporal.workflowService.setWorkerDeploymentCurrentVersion({
    namespace,
    deploymentName,
    buildId,
    identity: temporal.options.identity,
  });
}

/**
 * Queues that no worker of the version has ever polled, so that nobody has to be waited for there. Workers that begin
 * just now get a moment to announce themselves: a version is unknown until its first worker's first poll is registered.
 */
async function unservedQueues(temporal: Client, version: WorkerVersion, queues: TaskQueue[]): Promise<TaskQueue[]> {
  const needed = [...new Set([taskQueues.documents, ...queues])];
  const deadline = Date.now() + announceMilliseconds;
  for (;;) {
    const polled = await polledQueues(temporal, version);
    const late = Date.now() > deadline;
    if (polled instanceof DocketError) {
      if (late) throw polled;
    } else {
      const unserved = needed.filter((queue) => !polled.has(queue));
      if (unserved.length === 0 || late) return unserved;
    }
    await sleep(500);
  }
}

function nobodyServes(queue: TaskQueue): DeploymentCheck {
  const message = `No worker of this version serves the queue ${queue}.`;
  const remedy = `Start a worker of this version that serves ${queue}, or leave the queue out.`;
  return { name: "worker", queue, detail: message, failure: { type: "TemporalUnavailable", message, remedy } };
}

/** Names of the queues that workers of the version have polled; `InvalidInput` for a version that is not known. */
async function polledQueues(temporal: Client, version: WorkerVersion): Promise<ReadonlySet<string> | DocketError> {
  const { namespace } = temporal.options;
  try {
    const { versionTaskQueues } = await temporal.withDeadline(Date.now() + answerMilliseconds, () =>
      temporal.workflowService.describeWorkerDeploymentVersion({ namespace, deploymentVersion: version }),
    );
    return new Set(versionTaskQueues.flatMap(({ name }) => name ?? []));
  } catch (cause) {
    const { code, details, message } = cause as { code?: number; details?: string; message: string };
    const refusal = temporalRefusal(cause);
    if (refusal !== null) throw refusal;
    // gRPC's NOT_FOUND.
    if (code !== 5) throw new DocketError("TemporalUnavailable", `Temporal: ${details ?? message}`, { cause });
    const name = `${version.deploymentName} ${version.buildId}`;
    return new DocketError("InvalidInput", `No worker has announced the version ${name}: ${details ?? message}`, {
      remedy:
        "Start its workers with TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID, or correct the build id " +
        "(`temporal worker deployment describe` lists them).",
      cause,
    });
  }
}

function checksOf(error: unknown, version: WorkerVersion): DeploymentCheck[] {
  if (error instanceof DocketError && error.type === "PayloadUnreadable") {
    throw keysDiffer(version, error.message, error);
  }
  const { deploymentName, buildId } = version;
  const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
  if (cause instanceof ApplicationFailure && isFailureType(cause.type)) {
    const { checks } = (cause.details?.[0] ?? {}) as Partial<CheckDeploymentResult>;
    if (checks !== undefined) return checks;
    throw new DocketError(cause.type, cause.message, { cause: error });
  }
  throw new DocketError(
    "TemporalUnavailable",
    `The gate of ${deploymentName} ${buildId} did not end: ${cause?.message ?? (error as Error).message}`,
    {
      remedy: "Start workers of this version that serve the queue documents, then run it again.",
      cause: error,
    },
  );
}
