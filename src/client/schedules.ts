import { ScheduleNotFoundError, ScheduleOverlapPolicy, type ScheduleSummary } from "@temporalio/client";
import { DocketError } from "../contract/failures.ts";
import { type ProcessBatchInput, processBatchType } from "../contract/process-batch.ts";
import { taskQueues } from "../contract/process-document.ts";
import type { Services } from "./connect.ts";

/** An S3 prefix that is looked at again and again. */
export interface Sweep {
  /** Its S3 address. */
  source: string;
  /** Milliseconds; null where the schedule was made by another program in another way. */
  everyMilliseconds: number | null;
  nextAt: Date | null;
  lastAt: Date | null;
}

const idPrefix = "docket-sweep/";

/** Makes a schedule that hands in what is new under a prefix; one that is there already gets the new settings. */
export async function addSweep(
  services: Services,
  sweep: { input: ProcessBatchInput & { source: { bucket: string; prefix: string } }; everyMilliseconds: number },
): Promise<Sweep> {
  const { bucket, prefix } = sweep.input.source;
  const address = `s3://${bucket}/${prefix}`;
  const spec = { intervals: [{ every: sweep.everyMilliseconds }] };
  const action = {
    type: "startWorkflow" as const,
    workflowType: processBatchType,
    workflowId: `sweep/${bucket}/${prefix}`.slice(0, 900),
    taskQueue: taskQueues.documents,
    args: [{ ...sweep.input, onlyNew: true }],
  };
  // A sweep that is still under way does the next one's work, too.
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: "1 minute" as const };
  const { schedule } = services.temporal;
  const scheduleId = `${idPrefix}${address}`;
  const exists = await schedule
    .getHandle(scheduleId)
    .describe()
    .then(() => true)
    .catch((error) => {
      if (error instanceof ScheduleNotFoundError) return false;
      throw error;
    });
  if (!exists) {
    await schedule.create({ scheduleId, spec, action, policies, state: { triggerImmediately: true } });
  } else {
    await schedule.getHandle(scheduleId).update(({ state }) => ({ spec, action, policies, state }));
  }
  return describeSweep(services, address);
}

async function describeSweep(services: Services, address: string): Promise<Sweep> {
  return toSweep(await services.temporal.schedule.getHandle(`${idPrefix}${address}`).describe());
}

/** From a schedule's description, or from its line in the list, which may lack a part. */
function toSweep({ scheduleId, spec, info }: Pick<ScheduleSummary, "scheduleId" | "spec" | "info">): Sweep {
  return {
    source: scheduleId.slice(idPrefix.length),
    everyMilliseconds: spec?.intervals?.[0]?.every ?? null,
    nextAt: info.nextActionTimes[0] ?? null,
    lastAt: info.recentActions.at(-1)?.takenAt ?? null,
  };
}

/** Every sweep of the namespace. */
export async function listSweeps(services: Services): Promise<Sweep[]> {
  const sweeps: Sweep[] = [];
  for await (const summary of services.temporal.schedule.list()) {
    if (summary.scheduleId.startsWith(idPrefix)) sweeps.push(toSweep(summary));
  }
  return sweeps;
}

/**
 * Ends a schedule; what it handed in goes on.
 * @returns it as it was
 * @throws {DocketError} `InvalidInput` when there is none for the address
 */
export async function removeSweep(services: Services, address: string): Promise<Sweep> {
  try {
    const sweep = await describeSweep(services, address);
    await services.temporal.schedule.getHandle(`${idPrefix}${address}`).delete();
    return sweep;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new DocketError("InvalidInput", `There is no schedule for ${address}.`, {
      remedy: "`docket schedule list` shows them.",
    });
  }
}
