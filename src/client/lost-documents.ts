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

interface OpenRow {
  id: string;
  runId: string;
  /** What it had in its line for Textract, or in its batch. */
  priority: number | null;
  /** The run was lost before it had written the document's metadata. */
  undescribed: boolean;
  /** Of its item where it came by a batch; null otherwise, the first two also where the item has none. */
  fileName: string | null;
  source: string | null;
  customFields: Record<string, string> | null;
}

/** Of documents that were found lost, those that are it still, each as it was handed in. */
async function stillOpen(database: Database, lost: Redrive[]): Promise<Redrive[]> {
  if (lost.length === 0) return [];
  const rows = await database.$queryRaw<OpenRow[]>`
    SELECT d.id::text, d.run_id AS "runId", coalesce(
      (SELECT min(t.priority) FROM textract_jobs j JOIN textract_turns t ON t.token = j.token
       WHERE j.document_id = d.id AND j.features = d.features), item.priority)::int AS priority,
      NOT EXISTS (SELECT 1 FROM document_metadata m WHERE m.document_id = d.id) AS undescribed,
      item.file_name AS "fileName", item.source, item.custom_fields AS "customFields"
    FROM documents d LEFT JOIN LATERAL (
      SELECT coalesce(i.priority, b.priority) AS priority, i.file_name, i.source, i.custom_fields
      FROM batch_items i JOIN batches b ON b.id = i.batch_id
      WHERE i.bucket = d.bucket AND i.key = d.key AND i.document_id = d.id AND i.state IN ('claimed', 'started')
      ORDER BY i.started_at DESC LIMIT 1) AS item ON true
    WHERE d.id = ANY(${lost.map(({ documentId }) => documentId)}::uuid[]) AND d.status IN ('received', 'processing')`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  return lost.flatMap((redrive) => {
    const row = byId.get(redrive.documentId);
    return row?.runId === redrive.runId ? [asHandedIn(redrive, row)] : [];
  });
}

function asHandedIn(redrive: Redrive, row: OpenRow): Redrive {
  const { priority, source, customFields } = row;
  const input = { ...redrive.input, ...(priority === null ? {} : { priority }) };
  if (!row.undescribed) return { ...redrive, input };
  const fileName = row.fileName ?? redrive.fileName;
  const fields = customFields === null ? {} : { customFields };
  return { ...redrive, fileName, input: { ...input, fileName, ...(source === null ? {} : { source }), ...fields } };
}
