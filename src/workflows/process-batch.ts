import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import {
  type BatchProgress,
  type BatchSettings,
  batchUpdates,
  largestWindow,
  type ProcessBatchInput,
  type ProcessBatchResult,
} from "../contract/process-batch.ts";
import { progressQuery } from "../contract/process-document.ts";
import { BatchStory } from "./batch-story.ts";
import { failureOf, toWorkflowFailure } from "./document-failure.ts";
import { batchPolicy, retryPolicies } from "./retry-policies.ts";
import { startBatchDocuments } from "./start-batch-documents.ts";
import { versionedAs } from "./versioning.ts";

export const batchProgress = defineQuery<BatchProgress>(progressQuery);
export const pause = defineUpdate<BatchProgress>(batchUpdates.pause);
export const resume = defineUpdate<BatchProgress>(batchUpdates.resume);
export const cancel = defineUpdate<BatchProgress>(batchUpdates.cancel);
export const setWindow = defineUpdate<BatchProgress, [number]>(batchUpdates.setWindow);
export const setPriority = defineUpdate<BatchProgress, [number]>(batchUpdates.setPriority);

/** A run that only waited, and was told of changed counts, goes on as a new one after so many events. */
const mostEvents = 500;

// A batch may last for weeks: it goes on with the current version
// (docs/decisions/0030-documents-keep-their-version.md).
setWorkflowOptions(versionedAs("AUTO_UPGRADE"), processBatch);

/**
 * Many documents through a window: as some end, the next ones are started. What is in the batch, and what has become of
 * it, is in the database; a run starts one page of documents and goes on as a new run, so that its history and its
 * memory do not grow with the batch. Documents outlive it.
 */
export async function processBatch(input: ProcessBatchInput): Promise<ProcessBatchResult> {
  const story = new BatchStory(input);
  // Only a run that goes on for another has one before it; in anybody else's input it is refused as a field too many.
  const resumed = workflowInfo().continuedFromExecutionRunId === undefined ? undefined : input?.resumed;
  const database = proxyActivities<Pick<Activities, "ensureBatch" | "finishBatch">>(retryPolicies.database);
  const summary = "looks for room in the window";
  const batch = proxyActivities<Pick<Activities, "advanceBatch">>({ ...batchPolicy, summary });
  // Set before the first await, so that an early update is not lost.
  const wanted: Partial<BatchSettings> = {};
  let cancelled = false;
  let version = 0;
  const settings = { window: 0, priority: 3, paused: false, ...resumed?.settings };
  const tell = (told: Partial<BatchSettings>): BatchProgress => {
    Object.assign(wanted, told);
    Object.assign(settings, told);
    version++;
    if (story.progress().batchId !== null) story.set(stateOf(settings, cancelled), settings);
    // An update may come before this run has told its story: it is answered by what is set, not by what was told.
    const { window, priority } = settings;
    return { ...story.progress(), state: stateOf(settings, cancelled), window, priority };
  };
  setHandler(batchProgress, () => story.progress());
  setHandler(pause, () => tell({ paused: true }));
  setHandler(resume, () => tell({ paused: false }));
  setHandler(cancel, () => {
    cancelled = true;
    return tell({});
  });
  setHandler(setWindow, (window) => tell({ window }), { validator: within("window", largestWindow) });
  setHandler(setPriority, (priority) => tell({ priority }), { validator: within("priority", 5) });

  let batchId: string | null = null;
  let started: string | null = null;
  try {
    const state = resumed ?? (await database.ensureBatch(input));
    batchId = state.batchId;
    started = state.started;
    let { counts } = state;
    Object.assign(settings, state.settings, wanted);
    story.identify(batchId);
    story.tell(counts, null);
    story.set(stateOf(settings, cancelled), settings);

    while (!cancelled) {
      const seen = version;
      const look = new CancellationScope();
      const request = { batchId, settings: { ...settings }, started, known: counts };
      const advancing = look.run(() => batch.advanceBatch(request));
      const told = condition(() => version !== seen);
      const woken = await Promise.race([advancing.then(() => false), told.then(() => true)]);
      if (woken) look.cancel();
      const advance = await advancing.catch((error) => {
        if (woken && isCancellation(error)) return null;
        throw error;
      });
      // What it had claimed waits again: the next look says that nobody started it.
      if (advance === null) continue;
      ({ counts } = advance);
      story.tell(counts, advance.waitingFor);
      if (advance.done) break;
      if (advance.documents.length > 0) {
        await startBatchDocuments(batchId, advance.documents);
        started = advance.claim;
      }
      if (advance.documents.length === 0 && workflowInfo().historyLength < mostEvents) continue;
      await condition(allHandlersFinished);
      if (cancelled) break;
      const next = { batchId, settings: { ...settings }, started, counts };
      await continueAsNew<typeof processBatch>({ ...input, resumed: next });
    }
    const result = await database.finishBatch({ batchId, state: cancelled ? "cancelled" : "finished", started });
    story.tell(result.counts, null);
    story.set(result.state, settings);
    return result;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    if (isCancellation(error)) {
      if (batchId !== null) {
        const request = { batchId, state: "cancelled", started } as const;
        await CancellationScope.nonCancellable(() => database.finishBatch(request));
        story.set("cancelled", settings);
      }
      throw error;
    }
    const failure = failureOf(error);
    if (batchId !== null && patched("a-failed-batch-ends-its-row")) {
      const request = { batchId, state: "cancelled", started, failure } as const;
      // Should this fail too, the first cause is still what the workflow ends with.
      await CancellationScope.nonCancellable(() => database.finishBatch(request)).catch(() => undefined);
      story.set("cancelled", settings);
    }
    throw toWorkflowFailure(failure, null);
  }
}

function stateOf({ paused }: BatchSettings, cancelled: boolean): BatchProgress["state"] {
  if (cancelled) return "cancelled";
  return paused ? "paused" : "running";
}

function within(name: string, most: number): (value: unknown) => void {
  return (value) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return;
    throw new RangeError(`The ${name} of a batch is a whole number from 1 to ${most}.`);
  };
}
