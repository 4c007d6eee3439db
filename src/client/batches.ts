import { randomUUID } from "node:crypto";
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from "@temporalio/client";
import { DocketError } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import { batchUpdates, batchWorkflowId, type ProcessBatchInput, processBatchType } from "../contract/process-batch.ts";
import { type Engine, taskQueues } from "../contract/process-document.ts";
import { searchAttributes } from "../contract/search-attributes.ts";
import { type BatchRow, createBatch, finishBatchRow, readBatches } from "../database/batches.ts";
import type { Database } from "../database/client.ts";
import type { Services } from "./connect.ts";
import { failureOfClosed } from "./document-outcome.ts";

/** Longest wait for the server's answer. */
const answerMilliseconds = 10_000;

/** How a batch is to be processed. */
export interface BatchOptions {
  project: string;
  engine: Engine;
  features: Feature[];
  priority: number;
  window: number;
  force: boolean;
}

/**
 * Makes a batch whose items the caller writes, or finds the one from the same source that was not handed in to its end:
 * a hand-in that was interrupted goes on where it was.
 */
export async function openBatch(
  services: Services,
  source: string,
  options: BatchOptions,
): Promise<{ batchId: string; resumed: boolean }> {
  const features = options.features.toSorted();
  const found = await services.database.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM batches
    WHERE source = ${source} AND project = ${options.project} AND engine = ${options.engine}::engine
      AND features = ${features}::text[] AND force = ${options.force} AND closed_at IS NULL AND finished_at IS NULL
      AND bucket IS NULL
    ORDER BY created_at DESC LIMIT 1`;
  const batchId = found[0]?.id ?? randomUUID();
  await createBatch(services.database, { ...options, features, id: batchId, source, prefix: null, onlyNew: false });
  await startBatch(services, { batchId }, options.project, source);
  return { batchId, resumed: found.length > 0 };
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
  await startBatch(services, input, options.project, name);
}

/** Starts the workflow of a batch; one that runs already, or came to its end, is left as it is. */
async function startBatch(
  services: Services,
  input: ProcessBatchInput & { batchId: string },
  project: string,
  source: string,
): Promise<void> {
  const { temporal } = services;
  const start = () =>
    temporal.workflow.start(processBatchType, {
      workflowId: batchWorkflowId(input.batchId),
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
 * Tells a running batch something. One that Temporal does not know can be cancelled, and nothing else.
 * @throws {DocketError} `InvalidInput` for a batch that has ended, or that nobody works on
 */
export async function updateBatch(
  services: Services,
  batchId: string,
  update: keyof typeof batchUpdates,
  ...args: number[]
): Promise<void> {
  const handle = services.temporal.workflow.getHandle(batchWorkflowId(batchId));
  try {
    await services.temporal.withDeadline(Date.now() + 30_000, () =>
      handle.executeUpdate(batchUpdates[update], { args: args as [number] }),
    );
  } catch (error) {
    if ((error as { code?: number }).code !== 5 && (error as Error).name !== "WorkflowNotFoundError") throw error;
    const { finishedAt } = await readBatch(services.database, batchId);
    const known = finishedAt !== null || (await endDeadBatch(services, batchId));
    if (finishedAt === null && update === "cancel") return finishBatchRow(services.database, batchId, "cancelled");
    const remedy = "`docket batch list` shows the batches; hand its source in again for a new one.";
    if (known) throw new DocketError("InvalidInput", `Batch ${batchId} has ended.`, { remedy });
    throw new DocketError("InvalidInput", nobodyWorksOn(batchId), { remedy: endsUnknown(batchId) });
  }
}

/** Says that Temporal has no workflow of a batch whose row is open: it was never begun there, or was deleted. */
export function nobodyWorksOn(batchId: string): string {
  return `Nobody works on batch ${batchId}: Temporal has no workflow ${batchWorkflowId(batchId)}.`;
}

/** What helps then, unless it is another Temporal server that was asked. */
export function endsUnknown(batchId: string): string {
  return `Hand its source in again to go on, or end it: \`docket batch cancel ${batchId.slice(0, 8)}\`.`;
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

/**
 * Ends the row of a batch whose workflow has ended without doing so: it was terminated, or failed before it had read the
 * row. A batch that is under way, or has ended as it should, stays as it is.
 * @returns false where Temporal has no workflow of it, which may be another Temporal's: its row stays as it is, too
 */
export async function endDeadBatch(
  services: Pick<Services, "database" | "temporal">,
  batchId: string,
): Promise<boolean> {
  const { temporal, database } = services;
  const handle = temporal.workflow.getHandle(batchWorkflowId(batchId));
  try {
    const { status, runId } = await temporal.withDeadline(Date.now() + answerMilliseconds, () => handle.describe());
    if (status.name === "RUNNING" || status.name === "PAUSED") return true;
    const failure = await failureOfClosed(services, { workflowId: handle.workflowId, runId }, "batch");
    if (failure !== null) await finishBatchRow(database, batchId, "cancelled", failure);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Ends the row of a batch that Temporal knew, and does not know any more. */
export async function endLostBatch(database: Database, batchId: string): Promise<void> {
  const lost = new DocketError("Internal", `Temporal has no workflow ${batchWorkflowId(batchId)}: it was deleted.`, {
    remedy: "Submit the batch again to go on.",
  });
  await finishBatchRow(database, batchId, "cancelled", lost.toFailure());
}

/** Documents of a batch that did not end complete, at most so many. */
export async function unreadItems(
  database: Database,
  batchId: string,
  limit: number,
): Promise<{ name: string; documentId: string | null; state: string; failureType: string | null }[]> {
  return database.$queryRaw`
    SELECT coalesce(source, 's3://' || bucket || '/' || key) AS name, document_id::text AS "documentId", state::text,
           failure_type AS "failureType"
    FROM batch_items WHERE batch_id = ${batchId}::uuid AND state IN ('failed', 'incomplete')
    ORDER BY position LIMIT ${limit}`;
}
