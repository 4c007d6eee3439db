import { ScheduleNotFoundError, ScheduleOverlapPolicy } from "@temporalio/client";
import {
  type DeleteDocumentsInput,
  type DeleteDocumentsResult,
  deleteDocumentsType,
  deletionWorkflowId,
  retentionIdPrefix,
  retentionScheduleId,
} from "../contract/delete-documents.ts";
import { taskQueues } from "../contract/process-document.ts";
import type { Services } from "./connect.ts";

type Temporal = Pick<Services, "temporal">;

/** Starts a deletion, or joins the one of the same documents that is under way. */
export async function startDeletion({ temporal }: Temporal, input: DeleteDocumentsInput) {
  const { documentIds = [], project } = input;
  const workflowId = deletionWorkflowId(input);
  const handle = await temporal.workflow.start(deleteDocumentsType, {
    workflowId,
    taskQueue: taskQueues.documents,
    args: [input],
    workflowIdConflictPolicy: "USE_EXISTING",
    staticSummary: project === undefined ? `delete ${documentIds.length} documents` : `delete project ${project}`,
  });
  return { workflowId, result: () => handle.result() as Promise<DeleteDocumentsResult> };
}

/** How long the documents of a project are kept. */
export interface Retention {
  project: string;
  /** Days after a document's end. */
  days: number;
  withSource: boolean;
  /** Who wants it, as each deletion keeps it; null where another program has set it and did not say. */
  requestedBy: string | null;
  /** When it is looked next; null: never. */
  nextAt: Date | null;
  lastAt: Date | null;
}

/** Sets a project's retention: once a day its documents that ended so long ago are deleted. Replaces an earlier one. */
export async function setRetention(
  services: Temporal,
  {
    project,
    days,
    withSource,
    requestedBy,
  }: { project: string; days: number; withSource: boolean; requestedBy: string },
): Promise<void> {
  const { schedule } = services.temporal;
  const input: DeleteDocumentsInput = {
    project,
    olderThanDays: days,
    withSource,
    requestedBy,
    reason: `retention of ${days} days`,
  };
  const scheduleId = retentionScheduleId(project);
  const spec = { intervals: [{ every: "1 day" as const }], jitter: "1 hour" as const };
  const action = {
    type: "startWorkflow" as const,
    workflowType: deleteDocumentsType,
    workflowId: scheduleId,
    taskQueue: taskQueues.documents,
    args: [input],
  };
  const policies = { overlap: ScheduleOverlapPolicy.SKIP };
  const handle = schedule.getHandle(scheduleId);
  try {
    await handle.update((before) => ({ ...before, spec, action, policies }));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await schedule.create({ scheduleId, spec, action, policies });
  }
}

/** Ends a project's retention; false where there was none. */
export async function removeRetention({ temporal }: Temporal, project: string): Promise<boolean> {
  try {
    await temporal.schedule.getHandle(retentionScheduleId(project)).delete();
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

/** Looks for documents to delete now, and not only at the next time; false where the project has no retention. */
export async function sweepNow({ temporal }: Temporal, project: string): Promise<boolean> {
  try {
    await temporal.schedule.getHandle(retentionScheduleId(project)).trigger(ScheduleOverlapPolicy.SKIP);
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

/** A project's retention; null where its documents are kept for good. */
export async function readRetention({ temporal }: Temporal, project: string): Promise<Retention | null> {
  try {
    const { action, info } = await temporal.schedule.getHandle(retentionScheduleId(project)).describe();
    const [input] = (action.args ?? []) as [DeleteDocumentsInput?];
    return {
      project,
      days: input?.olderThanDays ?? 0,
      withSource: input?.withSource ?? false,
      requestedBy: input?.requestedBy ?? null,
      nextAt: info.nextActionTimes[0] ?? null,
      lastAt: info.recentActions.at(-1)?.takenAt ?? null,
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** How many retentions are asked for at once: the list of schedules does not hold what they are started with. */
const askedAtOnce = 10;

/** Every retention of the namespace, in no order, a few in memory at a time. */
export async function* listRetentions(services: Temporal): AsyncGenerator<Retention> {
  let projects: string[] = [];
  for await (const { scheduleId, action } of services.temporal.schedule.list({ pageSize: 100 })) {
    if (!scheduleId.startsWith(retentionIdPrefix) || action?.workflowType !== deleteDocumentsType) continue;
    projects.push(scheduleId.slice(retentionIdPrefix.length));
    if (projects.length < askedAtOnce) continue;
    yield* await readAll(services, projects);
    projects = [];
  }
  yield* await readAll(services, projects);
}

/** Those that were removed meanwhile are left out. */
async function readAll(services: Temporal, projects: string[]): Promise<Retention[]> {
  const read = await Promise.all(projects.map((project) => readRetention(services, project)));
  return read.filter((retention) => retention !== null);
}
