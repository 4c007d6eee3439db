import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import type { BatchCounts, BatchProgress, BatchSettings, ProcessBatchInput } from "../contract/process-batch.ts";
import { searchAttributes } from "../contract/search-attributes.ts";

export const noCounts: BatchCounts = {
  ...{ total: 0, listed: false, waiting: 0, underWay: 0 },
  ...{ reused: 0, complete: 0, incomplete: 0, failed: 0, cancelled: 0 },
};

/** What a person sees of a running batch: current details, search attributes, and the `progress` query. */
export class BatchStory {
  readonly #project: string;
  #progress: BatchProgress = {
    batchId: null,
    state: "starting",
    counts: noCounts,
    window: 0,
    priority: 3,
    waitingFor: null,
  };

  constructor(input: ProcessBatchInput | undefined) {
    this.#project = typeof input?.project === "string" ? input.project.slice(0, 100) : "default";
  }

  progress(): BatchProgress {
    return structuredCloneOf(this.#progress);
  }

  identify(batchId: string): void {
    this.#progress.batchId = batchId;
    if (workflowInfo().typedSearchAttributes.get(searchAttributes.batch) === batchId) return;
    upsertSearchAttributes([
      { key: searchAttributes.batch, value: batchId },
      { key: searchAttributes.project, value: this.#project },
    ]);
  }

  set(state: BatchProgress["state"], { window, priority }: BatchSettings): void {
    Object.assign(this.#progress, { state, window, priority });
    this.#show();
    // Search attributes are carried over to the next run: each upsert is an event.
    if (workflowInfo().typedSearchAttributes.get(searchAttributes.stage) === state) return;
    upsertSearchAttributes([{ key: searchAttributes.stage, value: state }]);
  }

  tell(counts: BatchCounts, waitingFor: string | null): void {
    Object.assign(this.#progress, { counts, waitingFor });
    this.#show();
  }

  #show(): void {
    const { batchId, state, counts, window, priority, waitingFor } = this.#progress;
    const { total, listed, waiting, underWay, reused, complete, incomplete, failed, cancelled } = counts;
    const ended = reused + complete + incomplete + failed + cancelled;
    const lines = [
      `**Batch ${batchId}**: ${ended} of ${total}${listed ? "" : " (so far)"} documents have ended`,
      `State: ${state}${waitingFor === null ? "" : ` (waiting for ${waitingFor})`}`,
      `Waiting ${waiting}, under way ${underWay} (window ${window}, priority ${priority})`,
      `Complete ${complete}, reused ${reused}, incomplete ${incomplete}, failed ${failed}, cancelled ${cancelled}`,
    ];
    setCurrentDetails(lines.join("\n\n"));
  }
}

function structuredCloneOf(progress: BatchProgress): BatchProgress {
  return { ...progress, counts: { ...progress.counts } };
}
