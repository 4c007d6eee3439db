import { randomUUID } from "node:crypto";
import {
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from "@temporalio/client";
import { DocketError, type Failure } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import { batchUpdates, batchWorkflowId, type ProcessBatchInput, processBatchType } from "../contract/process-batch.ts";
import { type Engine, taskQueues } from "../contract/process-document.ts";
import { searchAttributes } from "../contract/search-attributes.ts";
import { type BatchRow, createBatch, finishBatchRow, readBatches, writeSettings } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import type { Services } from "./connect.ts";
import { failureOfClosed } from "./document-outcome.ts";

/** Longest wait for the server's answer, and for a worker that does what a batch was told. */
const answerMilliseconds = 10_000;
const updateMilliseconds = 20_000;

/** How a batch is to be processed. */
export interface BatchOptions {
  project: string;
  engine: Engine;
  features: Feature[];
  priority: number;
  window: number;
  force: boolean;
}

/** A batch that its maker fills. */
export interface OpenBatch {
  batchId: string;
  /** What a batch that is gone on with keeps to, whatever was asked for now; null for a new one. */
  kept: Pick<BatchOptions, "window" | "priority"> | null;
}

/**
 * Makes a batch whose items the caller writes, or finds the one from the same source that was not handed in to its end:
 * a hand-in that was interrupted goes on where it was.
 */
export async function openBatch(services: Services, source: string, options: BatchOptions): Promise<OpenBatch> {
  const features = options.features.toSorted();
  const [found] = await services.database.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM batches
    WHERE source = ${source} AND project = ${options.project} AND engine = ${options.engine}::engine
      AND features = ${features}::text[] AND force = ${options.force} AND closed_at IS NULL AND finished_at IS NULL
      AND bucket IS NULL
    ORDER BY created_at DESC LIMIT 1`;
  const batchId = found?.id ?? randomUUID();
  await createBatch(services.database, { ...options, features, id: batchId, source, prefix: null, onlyNew: false });
  const { workflowId, window, priority } = await readBatch(services.database, batchId);
  await startBatch(services, { batchId }, { workflowId, project: options.project, source });
  return { batchId, kept: found === undefined ? null : { window, priority } };
}

/**
 * Hands in an S3 prefix, which the batch's workflow lists itself. Doing it twice is doing it once.
 * @param batchId a new UUID
 */
export async function startPrefixBatch(
  services: Services,
  batchId: string,
  source: { bucket: string; prefix: string },
  options: BatchOptions,
): Promise<void> {
  const name = `s3://${source.bucket}/${source.prefix}`;
  // Whoever follows it finds it at once.
  await createBatch(services.database, { ...options, id: batchId, source: name, prefix: source, onlyNew: false });
  const input = { batchId, source, ...options, ...splitFeatures(options.features) };
  await startBatch(services, input, {
    workflowId: batchWorkflowId(batchId),
    project: options.project,
    source: name,
  });
}

/** Starts the workflow of a batch; one that runs already, or came to its end, is left as it is. */
async function startBatch(
  services: Services,
  input: ProcessBatchInput & { batchId: string },
  { workflowId, project, source }: { workflowId: string; project: string; source: string },
): Promise<void> {
  const { temporal } = services;
  const start = () =>
    temporal.workflow.start(processBatchType, {
      workflowId,
      taskQueue: taskQueues.documents,
      args: [{ project, ...input }],
      workflowIdReusePolicy: "ALLOW_DUPLICATE_FAILED_ONLY",
      workflowIdConflictPolicy: "USE_EXISTING",
      staticSummary: `batch: ${Array.from(source).slice(-40).join("")}`,
      typedSearchAttributes: [
        { key: searchAttributes.project, value: project },
        { key: searchAttributes.batch, value: input.batchId },
      ],
    });
  try {
    await temporal.withDeadline(Date.now() + answerMilliseconds, start);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/**
 * Tells a running batch something. One that Temporal does not know can be cancelled, or resumed by a new workflow, and
 * nothing else.
 * @throws {DocketError} `InvalidInput` for a batch that has ended, or that nobody works on; `TemporalUnavailable` where
 *   no worker answers
 */
export async function updateBatch(
  services: Services,
  batchId: string,
  update: keyof typeof batchUpdates,
  ...args: number[]
): Promise<void> {
  const { database, temporal } = services;
  const batch = await readBatch(database, batchId);
  const current = batch.finishedAt === null ? await describeBatch(services, batch) : null;
  if (current !== null && !isOfAnother(current, batchId)) {
    try {
      const handle = temporal.workflow.getHandle(batch.workflowId);
      await temporal.withDeadline(Date.now() + updateMilliseconds, () =>
        handle.executeUpdate(batchUpdates[update], { args: args as [number] }),
      );
      return;
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw unanswered(batchId, error);
      // It has ended meanwhile.
      if ((error as { code?: number }).code !== 5 && !(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  const known = batch.finishedAt !== null || (await endDeadBatch(services, batch));
  if (!known && update === "cancel") return finishBatchRow(database, batchId, "cancelled");
  if (!known && update === "resume") return goOnWith(services, batch);
  const remedy = "`docket batch list` shows the batches; hand its source in again for a new one.";
  if (known) throw new DocketError("InvalidInput", `Batch ${batchId} has ended.`, { remedy });
  throw new DocketError("InvalidInput", nobodyWorksOn(batch), { remedy: endsUnknown(batchId) });
}

function unanswered(batchId: string, cause: Error): DocketError {
  const what = `No worker has answered for batch ${batchId} within ${updateMilliseconds / 1000} s`;
  return new DocketError("TemporalUnavailable", `${what}; it may still be done.`, {
    remedy: "`docket batch show` tells whether it is. Start a worker (`docket worker`), then tell the batch again.",
    cause,
  });
}

/** Says that Temporal has no workflow of a batch whose row is open: it was never begun there, or was deleted. */
export function nobodyWorksOn({ id, workflowId }: Pick<BatchRow, "id" | "workflowId">): string {
  return `Nobody works on batch ${id}: Temporal has no workflow ${workflowId}.`;
}

/** What helps then, unless it is another Temporal server that was asked. */
export function endsUnknown(batchId: string): string {
  const id = batchId.slice(0, 8);
  return `\`docket batch resume ${id}\` goes on with it, \`docket batch cancel ${id}\` ends it.`;
}

/** Gives a batch that Temporal does not know a new workflow: all that is to be done stands in its rows. */
async function goOnWith(services: Services, { id, project, source, window, priority }: BatchRow): Promise<void> {
  await writeSettings(services.database, id, { paused: false, window, priority });
  await startBatch(services, { batchId: id }, { workflowId: batchWorkflowId(id), project, source });
}

/**
 * The batch of an id or of the beginning of one.
 * @throws {DocketError} `InvalidInput` when there is none or more than one
 */
export async function resolveBatch(database: Database, reference: string): Promise<string> {
  const rows = /^[0-9a-f-]{4,36}$/i.test(reference)
    ? await database.$queryRaw<{ id: string }[]>`
        SELECT id::text FROM batches WHERE id::text LIKE ${`${reference.toLowerCase()}%`} LIMIT 2`
    : [];
  if (rows.length === 1 && rows[0] !== undefined) return rows[0].id;
  const what = rows.length === 0 ? `There is no batch ${reference}.` : `${reference} names several batches.`;
  throw new DocketError("InvalidInput", what, { remedy: "`docket batch list` shows the ids." });
}

/** A batch by its id. */
export async function readBatch(database: Database, id: string): Promise<BatchRow> {
  const [batch] = await readBatches(database, { id });
  if (batch === undefined) throw new DocketError("RecordMissing", `Batch ${id} has no record.`);
  return batch;
}

/** The latest run of a batch's workflow; null where Temporal knows none. */
async function describeBatch(
  { temporal }: Pick<Services, "temporal">,
  { workflowId }: Pick<BatchRow, "workflowId">,
): Promise<WorkflowExecutionDescription | null> {
  const handle = temporal.workflow.getHandle(workflowId);
  try {
    return await temporal.withDeadline(Date.now() + answerMilliseconds, () => handle.describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Every sweep of a schedule has the same workflow id. One that has only just begun names no batch yet. */
function isOfAnother({ typedSearchAttributes }: WorkflowExecutionDescription, batchId: string): boolean {
  return (typedSearchAttributes.get(searchAttributes.batch) ?? batchId) !== batchId;
}

/**
 * Ends the row of a batch whose workflow has ended without doing so: it was terminated, or failed before it had read the
 * row. A batch that is under way, or has ended as it should, stays as it is.
 * @returns false where Temporal has no workflow of it, which may be another Temporal's: its row stays as it is, too
 */
export async function endDeadBatch(
  services: Pick<Services, "database" | "temporal">,
  batch: Pick<BatchRow, "id" | "workflowId">,
): Promise<boolean> {
  const { id, workflowId } = batch;
  const current = await describeBatch(services, batch);
  if (current === null) return false;
  const { status, runId } = current;
  let failure: Failure | null;
  if (isOfAnother(current, id)) {
    const what = `Workflow ${workflowId} has ended without a word about it, and works on another batch now`;
    failure = new DocketError("Internal", `Batch ${id}: ${what}.`, { remedy: submitAgain }).toFailure();
  } else if (status.name === "RUNNING" || status.name === "PAUSED") return true;
  else failure = await failureOfClosed(services, { workflowId, runId }, "batch");
  if (failure !== null) await finishBatchRow(services.database, id, "cancelled", failure);
  return true;
}

/** Ends the row of a batch that Temporal knew, and does not know any more. */
export async function endLostBatch(
  database: Database,
  { id, workflowId }: Pick<BatchRow, "id" | "workflowId">,
): Promise<void> {
  const message = `Temporal has no workflow ${workflowId}: it was deleted.`;
  const lost = new DocketError("Internal", message, { remedy: submitAgain });
  await finishBatchRow(database, id, "cancelled", lost.toFailure());
}

const submitAgain = "Submit the batch again to go on.";

/** Documents of a batch that did not end complete, at most so many, each with its failure. */
export async function unreadItems(
  database: Database,
  batchId: string,
  limit: number,
): Promise<
  { name: string; documentId: string | null; state: string; failureType: string | null; message: string | null }[]
> {
  return database.$queryRaw`
    SELECT coalesce(i.source, 's3://' || i.bucket || '/' || i.key) AS name, i.document_id::text AS "documentId",
           i.state::text, i.failure_type AS "failureType", coalesce(i.failure_message, d.failure_message) AS message
    FROM batch_items i LEFT JOIN documents d ON d.id = i.document_id AND d.failure_type = i.failure_type
    WHERE i.batch_id = ${batchId}::uuid AND i.state IN ('failed', 'incomplete')
    ORDER BY i.position LIMIT ${limit}`;
}
