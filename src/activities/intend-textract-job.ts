import { v5 as uuidv5 } from "uuid";
import type { NotificationChannel } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import type { Feature } from "../contract/features.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
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
 * document's row is locked meanwhile, so that two runs cannot mean two attempts; and only the run that owns the document
 * means one, because what another one paid for would be refused when it is stored.
 * @throws {DocketError} `Superseded` when another run, or a deletion, owns the document by now
 */
export async function intendTextractJob(database: Database, intent: Intent): Promise<TextractJobRow> {
  const { documentId, features, region, runId, firstRunId, force, part } = intent;
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
    return transaction.textractJob.create({
      data: {
        ...{ id, documentId, attempt, features, token, region, content, pageNumbers, ...place, ...channel },
        runId: firstRunId,
      },
    });
  });
}
