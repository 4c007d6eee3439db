import { activityInfo, getClient } from "@temporalio/activity";
import { DocketError } from "../contract/failures.ts";
import type { BatchCounts, BatchSettings } from "../contract/process-batch.ts";
import type { ProcessDocumentInput } from "../contract/process-document.ts";
import { claimedItems, confirmClaim, settleItems, waitingItems } from "../database/batch-items.ts";
import { type BatchRow, readBatches, writeSettings, writeWaiting } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import { describeBudget, reachedBudgets } from "../database/project-budgets.ts";
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

/**
 * Looks at a batch: settles documents that have ended, and hands out the next ones while there is room in the window.
 * Where there is nothing to do it is "not yet": the server keeps the time, and neither history nor a worker slot is used.
 *
 * Idempotent: what is handed out is claimed under the call's own name, so that a repeated call hands out the same; what
 * a lost call has claimed waits again.
 */
export function createAdvanceBatch(ports: { database: Database; storage: ObjectStorage }) {
  return (request: AdvanceRequest): Promise<Advance> => stayAlive(() => advanceBatch(request));

  async function advanceBatch(request: AdvanceRequest): Promise<Advance> {
    const { database } = ports;
    const { batchId, settings } = request;
    const claim = `${currentRun().runId}/${activityInfo().activityId}`;
    await confirmClaim(database, batchId, { started: request.started, current: claim });
    await writeSettings(database, batchId, settings);
    await settleItems(database, batchId);
    await askTemporal(database, getClient(), batchId);

    const held = settings.paused ? "somebody to resume it" : await handOut(await read(batchId), claim);
    const batch = await read(batchId);
    const documents = (await claimedItems(database, batchId, claim)).map((item) => inputOf(batch, item));
    const { counts } = batch;
    const waitingFor = documents.length > 0 ? null : (held ?? whatFor(counts));
    await writeWaiting(database, batchId, waitingFor);

    const done = counts.listed && counts.waiting === 0 && counts.underWay === 0;
    if (done || documents.length > 0 || worthTelling(request.known, counts)) {
      return { claim, documents, counts, waitingFor, done };
    }
    const delay = Math.min(longestDelayMilliseconds, firstDelayMilliseconds * 1.25 ** (activityInfo().attempt - 1));
    throw new NotYet("BatchWaiting", `Batch ${batchId} waits for ${waitingFor}.`, delay);
  }

  /** Claims the next documents, as many as there is room for. @returns what keeps them back, in words */
  async function handOut(batch: BatchRow, claim: string): Promise<string | null> {
    const { database } = ports;
    const { id, window, priority, counts } = batch;
    // What this very call has claimed before it was repeated comes first, and is enough.
    const room = Math.min(window - counts.underWay, pageSize);
    if (room <= 0) return null;
    if (counts.waiting < room && !counts.listed && isPrefix(batch)) await listNextPage(ports, batch);
    const waiting = await waitingItems(database, id, priority, room);
    const budgets = await reachedBudgets(
      database,
      waiting.map(({ project }) => project ?? batch.project),
    );
    if (budgets.length > 0) return budgets.map(describeBudget).join("; ");
    await takeItems(ports, batch, waiting, claim);
    return null;
  }

  async function read(id: string): Promise<BatchRow> {
    const [batch] = await readBatches(ports.database, { id });
    if (batch === undefined) throw new DocketError("RecordMissing", `Batch ${id} has no record.`);
    return batch;
  }
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
