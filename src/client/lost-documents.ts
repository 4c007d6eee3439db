import { type Client, WorkflowNotFoundError } from "@temporalio/client";
import { NamespaceNotFoundError } from "@temporalio/common";
import { documentWorkflowId } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import type { Database } from "../database/client.ts";
import type { Services } from "./connect.ts";
import { type Redrive, type RedriveFilter, readRedrives } from "./redrive.ts";

/** Documents that Temporal is asked about at once, and the longest wait for one answer. */
const askedAtOnce = 8;
const answerMilliseconds = 10_000;

/** How a search for lost documents asks Temporal, and whom it tells. */
export interface LostSearch {
  /** Runs something that may be done again, as where somebody waits for a service. */
  through<T>(ask: () => Promise<T>): Promise<T>;
  /** Told of each open document that a run works on. */
  onLeft(redrive: Redrive): void;
}

/**
 * Documents that are open here and that nobody works on: Temporal does not know the run that owns them, because it or its
 * namespace was lost or the run was deleted, or the run is closed: it was terminated, or its end is not in the database.
 * Each comes with its own engine, features, source, fields and priority, as the database has them, and with what it would
 * cost. Those first whose paid result expires within a day.
 * @throws {DocketError} `InvalidInput` where Temporal does not know the namespace: that says nothing of documents
 */
export async function* findLost(
  services: Pick<Services, "database" | "temporal">,
  filter: RedriveFilter,
  now: Date,
  { through, onLeft }: LostSearch,
): AsyncGenerator<Redrive> {
  const { database, temporal } = services;
  for (const urgent of [true, false]) {
    for await (const open of readRedrives(database, filter, ["received", "processing"], now)) {
      const asked = open.filter((redrive) => redrive.urgent === urgent);
      const lost: Redrive[] = [];
      for (let next = 0; next < asked.length; next += askedAtOnce) {
        const some = asked.slice(next, next + askedAtOnce);
        const answers = await through(() => Promise.all(some.map((redrive) => isLost(temporal, redrive))));
        some.forEach((redrive, index) => {
          if (answers[index]) lost.push(redrive);
          else onLeft(redrive);
        });
      }
      yield* await stillOpen(database, lost);
    }
  }
}

/**
 * Only an open run ends its document. A run writes the document's row before it closes: where that has just happened,
 * {@link stillOpen} finds the row ended.
 */
async function isLost(temporal: Client, { documentId, workflowId }: Redrive): Promise<boolean> {
  // The owner is its workflow's latest run, or a reset has made the next. That one, or one that somebody has begun under
  // the document's own id, may not have taken the document over yet.
  for (const id of new Set([workflowId, documentWorkflowId(documentId)])) {
    const latest = await statusOf(temporal, id);
    if (latest === "RUNNING" || latest === "PAUSED") return false;
  }
  return true;
}

/** The status of a workflow's latest run; null for a workflow that Temporal does not know. */
async function statusOf(temporal: Client, workflowId: string): Promise<string | null> {
  const handle = temporal.workflow.getHandle(workflowId);
  try {
    return (await temporal.withDeadline(Date.now() + answerMilliseconds, () => handle.describe())).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    if (!(error instanceof NamespaceNotFoundError)) throw error;
    throw new DocketError("InvalidInput", `Temporal has no namespace ${temporal.options.namespace}.`, {
      remedy: "Correct TEMPORAL_NAMESPACE, or make the namespace with `docket setup`.",
      cause: error,
    });
  }
}

/**
 * Of documents that were found lost, those that are it still, with the priority that they had: in their line for Textract,
 * or in their batch.
 */
async function stillOpen(database: Database, lost: Redrive[]): Promise<Redrive[]> {
  if (lost.length === 0) return [];
  const rows = await database.$queryRaw<{ id: string; runId: string; priority: number | null }[]>`
    SELECT d.id::text, d.run_id AS "runId", coalesce(
      (SELECT min(t.priority) FROM textract_jobs j JOIN textract_turns t ON t.token = j.token
       WHERE j.document_id = d.id AND j.features = d.features),
      (SELECT coalesce(i.priority, b.priority) FROM batch_items i JOIN batches b ON b.id = i.batch_id
       WHERE i.bucket = d.bucket AND i.key = d.key AND i.document_id = d.id AND i.state = 'started'
       ORDER BY i.started_at DESC LIMIT 1))::int AS priority
    FROM documents d
    WHERE d.id = ANY(${lost.map(({ documentId }) => documentId)}::uuid[]) AND d.status IN ('received', 'processing')`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  return lost.flatMap((redrive) => {
    const row = byId.get(redrive.documentId);
    if (row?.runId !== redrive.runId) return [];
    const { priority } = row;
    return [priority === null ? redrive : { ...redrive, input: { ...redrive.input, priority } }];
  });
}
