import { v5 as uuidv5 } from "uuid";
import type { NotificationChannel } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { byDriver, type Database, type Executor } from "../database/client.ts";
import { lastDeletedAttempt } from "../database/delete-document-rows.ts";
import { superseded } from "../database/document-owner.ts";
import { isOwnUpload } from "../storage/object-names.ts";
import { chooseAttempt, type DocumentPart, type LedgerRow } from "../textract/choose-attempt.ts";
import { requestToken } from "../textract/request-token.ts";

// The ledger's keys are derived from the token, so that the same attempt is the same row.
const ledgerNamespace = "8f3a5d52-55b7-4b0e-9a0a-4f1c0a2a6a0b";

export interface TextractJobRow extends LedgerRow {
  id: string;
  documentId: string;
  token: string;
  region: string;
  jobId: string | null;
  bucket: string;
  key: string;
  objectVersion: string | null;
  notificationTopicArn: string | null;
  notificationRoleArn: string | null;
  /** Whether the project had a budget when the row was written; undefined where that was not asked. */
  limited?: boolean;
}

export interface Intent {
  documentId: string;
  document: DocumentLocation;
  features: Feature[];
  region: string;
  runId: string;
  /** The run that resets began from; `runId` where there was none. */
  firstRunId: string;
  /** Pay anew although an earlier attempt ended well. */
  force: boolean;
  /** For a new attempt; one that exists keeps the channel that its token goes with. */
  channel: NotificationChannel | undefined;
  /** Where only some pages are meant; `document` is then the small one made of them. */
  part?: DocumentPart | undefined;
}

interface DocumentRow {
  content: string | null;
  etag: string | null;
  bucket: string;
  key: string;
  /** By the run that asks. */
  owned: boolean;
}

/**
 * The ledger's row for the attempt that is meant now: the one that is under way or paid already, or a new one. The
 * document's row is locked while it is written, so that two runs cannot mean two attempts; and only the run that owns the
 * document means one, because what another one paid for would be refused when it is stored.
 * @throws {DocketError} `Superseded` when another run, or a deletion, owns the document by now
 */
export async function intendTextractJob(database: Database, intent: Intent): Promise<TextractJobRow> {
  return (await meanFirst(byDriver(database), intent)) ?? chosenAttempt(database, intent);
}

/**
 * Most documents have no attempt yet, so that there is nothing to choose: the row is written as the first one without a
 * transaction around the question and the answer. What may happen between the two is that another run or a deletion takes
 * the document, which the insert asks for once more under its lock; or that a second call of the same run writes the
 * same row, whose keys are unique.
 * @returns null where it is not as simple as that
 */
async function meanFirst(executor: Executor, intent: Intent): Promise<TextractJobRow | null> {
  const { documentId, features, runId } = intent;
  const [document] = await executor.$queryRaw<(DocumentRow & { before: boolean })[]>`
    SELECT coalesce(m.sha256, d.object_version, m.etag) AS content, m.etag, d.bucket, d.key,
           d.run_id = ${runId} AND d.status = 'processing' AS owned,
           EXISTS (SELECT 1 FROM textract_jobs j WHERE j.document_id = d.id AND j.features = ${features}::text[])
             OR EXISTS (SELECT 1 FROM deletions x WHERE x.document_id = d.id) AS before
    FROM documents d LEFT JOIN document_metadata m ON m.document_id = d.id WHERE d.id = ${documentId}::uuid`;
  if (document === undefined || !document.owned || document.content === null || document.before) return null;
  const row = newAttempt(intent, { ...document, content: document.content }, 1);
  const [written] = await executor.$queryRaw<{ limited: boolean }[]>`
    WITH owned AS (
      SELECT id, project_id FROM documents
      WHERE id = ${documentId}::uuid AND run_id = ${runId} AND status = 'processing' FOR UPDATE),
    meant AS (
      INSERT INTO textract_jobs (id, document_id, attempt, features, token, region, content, bucket, key, object_version,
                                 object_etag, notification_topic_arn, notification_role_arn, page_numbers, run_id)
      SELECT ${row.id}::uuid, id, ${row.attempt}::int, ${row.features}::text[], ${row.token}, ${row.region},
             ${row.content}, ${row.bucket}, ${row.key}, ${row.objectVersion}, ${row.objectEtag},
             ${row.notificationTopicArn}, ${row.notificationRoleArn}, ${row.pageNumbers}::int[], ${row.runId}
      FROM owned ON CONFLICT DO NOTHING RETURNING document_id)
    SELECT EXISTS (SELECT 1 FROM project_budgets b WHERE b.project_id = owned.project_id) AS limited FROM meant, owned`;
  if (written === undefined) return null;
  const unsettled = { state: "intended" as const, jobId: null, statusMessage: null, storedPages: null };
  return { ...row, ...unsettled, limited: written.limited };
}

/** The attempt that the ledger's rows tell of, or a new one behind them; all under one lock. */
async function chosenAttempt(database: Database, intent: Intent): Promise<TextractJobRow> {
  const { documentId, features, runId, firstRunId, force, part } = intent;
  return database.$transaction(async (transaction) => {
    const [document] = await transaction.$queryRaw<DocumentRow[]>`
      SELECT coalesce(m.sha256, d.object_version, m.etag) AS content, m.etag, d.bucket, d.key,
             d.run_id = ${runId} AND d.status = 'processing' AS owned
      FROM documents d LEFT JOIN document_metadata m ON m.document_id = d.id
      WHERE d.id = ${documentId}::uuid FOR UPDATE OF d`;
    if (document === undefined) throw new DocketError("RecordMissing", `Document ${documentId} has no record.`);
    if (!document.owned) throw superseded(documentId, runId);
    if (document.content === null) throw new DocketError("MetadataMissing", `Document ${documentId} has no metadata.`);

    const rows = await transaction.textractJob.findMany({ where: { documentId, features: { equals: features } } });
    const { content } = document;
    const choice = chooseAttempt(rows, { runId, firstRunId, force, content, part });
    if ("reuse" in choice) return choice.reuse;
    const attempt = Math.max(choice.newAttempt, (await lastDeletedAttempt(transaction, documentId)) + 1);
    return transaction.textractJob.create({ data: newAttempt(intent, { ...document, content }, attempt) });
  });
}

/** The row of a new attempt, as it is written before Textract is asked. */
function newAttempt(intent: Intent, document: DocumentRow & { content: string }, attempt: number) {
  const { documentId, features, region, firstRunId, part } = intent;
  const { content } = document;
  const { bucket, key, version } = intent.document;
  // Nobody replaces a copy, nor what `docket` uploaded: their keys name their content.
  const isTheirs = bucket === document.bucket && key === document.key && !isOwnUpload(document);
  const objectEtag = isTheirs ? document.etag : null;
  const place = { bucket, key, objectVersion: version ?? null, objectEtag };
  const { topicArn = null, roleArn = null } = intent.channel ?? {};
  const channel = { notificationTopicArn: topicArn, notificationRoleArn: roleArn };
  const pageNumbers = part?.pages ?? [];
  const token = requestToken({ documentId, content, features, attempt, pages: pageNumbers });
  const id = uuidv5(token, ledgerNamespace);
  const of = { id, documentId, attempt, features, token, region, content, pageNumbers };
  return { ...of, ...place, ...channel, runId: firstRunId };
}
