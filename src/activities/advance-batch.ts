import { activityInfo, cancellationSignal, getClient } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import type { BatchCounts, BatchSettings } from "../contract/process-batch.ts";
import type { ProcessDocumentInput } from "../contract/process-document.ts";
import { settleItems } from "../database/batch-item-ends.ts";
import {
  claimedItems,
  confirmClaim,
  unseenItems,
  waitingItems,
  waitingItemsWithout,
} from "../database/batch-item-turns.ts";
import { type BatchRow, readBatches, writeSettings, writeWaiting } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import { describeBudget, readBudgets } from "../database/project-budgets.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { askTemporal } from "./ask-temporal.ts";
import { listNextPage } from "./list-batch-objects.ts";
import { NotYet } from "./not-yet.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";
import { inputOf, takeItems } from "./take-batch-items.ts";

export interface AdvanceRequest {
  batchId: string;
  settings: BatchSettings;
  /** The claim whose documents the workflow has started. */
  started: string | null;
  /** What the workflow knows. */
  known: BatchCounts;
}

/** What a batch can do next. */
export interface Advance {
  /** Names the documents that are to be started now. */
  claim: string;
  documents: ProcessDocumentInput[];
  counts: BatchCounts;
  waitingFor: string | null;
  done: boolean;
}

/** Documents that one look hands out at most. */
const pageSize = 100;
/** The workflow hears of changed counts this often, although there is nothing to do for it; milliseconds. */
const tellEveryMilliseconds = 30_000;
const firstDelayMilliseconds = 1000;
const longestDelayMilliseconds = 5000;
/** A look goes on for so long with what needs no start: objects that were handed in before, documents that are complete. */
const goOnMilliseconds = 10_000;

/**
 * Looks at a batch: settles documents that have ended, and hands out the next ones while there is room in the window.
 * Where there is nothing to do it is "not yet": the server keeps the time, and neither history nor a worker slot is used.
 *
 * Idempotent: what is handed out is claimed under the name of the attempt. A repeated call puts what the lost attempt has
 * claimed back into the line, and hands it out itself.
 */
export function createAdvanceBatch(ports: { database: Database; storage: ObjectStorage }) {
  return (request: AdvanceRequest): Promise<Advance> => stayAlive(() => advanceBatch(request));

  async function advanceBatch(request: AdvanceRequest): Promise<Advance> {
    const { database } = ports;
    const { batchId, settings } = request;
    const { activityId, attempt } = activityInfo();
    const claim = `${currentRun().runId}/${activityId}/${attempt}`;
    await confirmClaim(database, batchId, { started: request.started, current: claim });
    await writeSettings(database, batchId, settings);
    await settleItems(database, batchId);
    await askTemporal(database, getClient(), batchId);

    const before = await read(batchId);
    const { batch, held, unfinished } = settings.paused
      ? { batch: before, held: "somebody to resume it", unfinished: false }
      : await goOn(before, claim);
    const documents = (await claimedItems(database, batchId, claim)).map((item) => inputOf(batch, item));
    const { counts } = batch;
    const waitingFor = documents.length > 0 ? null : (held ?? whatFor(counts));
    await writeWaiting(database, batchId, waitingFor);

    const done = counts.listed && counts.waiting === 0 && counts.underWay === 0;
    if (done || documents.length > 0 || worthTelling(request.known, counts)) {
      return { claim, documents, counts, waitingFor, done };
    }
    const delay = unfinished
      ? firstDelayMilliseconds
      : Math.min(longestDelayMilliseconds, firstDelayMilliseconds * 1.25 ** (attempt - 1));
    throw new NotYet("BatchWaiting", `Batch ${batchId} waits for ${waitingFor}.`, delay);
  }

  /**
   * Hands out the next documents, and goes on for a while where there were only such that need no start.
   * @returns the batch as it is then; what keeps its documents back, in words; whether there was no time for more
   */
  async function goOn(
    before: BatchRow,
    claim: string,
  ): Promise<{ batch: BatchRow; held: string | null; unfinished: boolean }> {
    const until = Date.now() + goOnMilliseconds;
    for (let last = before; ; ) {
      const held = await handOut(last, claim);
      const batch = await read(last.id);
      if (!isCloserToItsEnd(last, batch)) return { batch, held, unfinished: false };
      if (Date.now() >= until || cancellationSignal().aborted) return { batch, held, unfinished: true };
      last = batch;
    }
  }

  /** Claims the next documents, as many as there is room for. @returns what keeps them back, in words */
  async function handOut(batch: BatchRow, claim: string): Promise<string | null> {
    const { database } = ports;
    const { id: batchId, window, priority, project, counts } = batch;
    const limit = Math.min(window - counts.underWay, pageSize);
    if (limit <= 0) return null;
    if (counts.waiting < limit && !counts.listed && isPrefix(batch)) await listNextPage(ports, batch);
    // Whoever reads for nothing needs no money.
    const reached = batch.engine === "local" ? [] : await readBudgets(database, undefined, { reached: true });
    const without = reached.map((budget) => budget.project);
    const line = { batchId, priority, project, limit };
    const waiting =
      without.length === 0 ? await waitingItems(database, line) : await waitingItemsWithout(database, line, without);
    await takeItems(ports, batch, waiting, claim);
    if (reached.length === 0 || waiting.length === limit) return null;
    const unseen = await unseenItems(database, { batchId, project, limit: limit - waiting.length }, without);
    await takeItems(ports, batch, unseen, null);
    if (waiting.length > 0) return null;
    // All that waits now is held back by its budget.
    const first = await waitingItems(database, line);
    const projects = new Set(first.map((item) => item.project ?? project));
    const holding = reached.filter((budget) => projects.has(budget.project));
    return holding.length === 0 ? null : holding.map(describeBudget).join("; ");
  }

  async function read(id: string): Promise<BatchRow> {
    const [batch] = await readBatches(ports.database, { id });
    if (batch === undefined) throw new DocketError("RecordMissing", `Batch ${id} has no record.`);
    return batch;
  }
}

/** Nothing was started, and yet there is less left to do: less to list, or less that waits. */
function isCloserToItsEnd(before: BatchRow, after: BatchRow): boolean {
  const { counts } = after;
  if (counts.underWay !== before.counts.underWay) return false;
  const listed = after.listedKey !== before.listedKey || counts.listed !== before.counts.listed;
  return listed || counts.waiting < before.counts.waiting;
}

function isPrefix(batch: BatchRow): batch is BatchRow & { bucket: string; prefix: string } {
  return batch.bucket !== null && batch.prefix !== null;
}

function whatFor({ underWay, waiting, listed }: BatchCounts): string {
  const others = underWay === 1 ? "1 document" : `${underWay} documents`;
  if (underWay > 0) return `${others} under way to end`;
  return listed || waiting > 0 ? "its turn" : "more documents to be handed in";
}

function worthTelling(known: BatchCounts, now: BatchCounts): boolean {
  const { scheduledTimestampMs } = activityInfo();
  return Date.now() - scheduledTimestampMs >= tellEveryMilliseconds && JSON.stringify(known) !== JSON.stringify(now);
}
