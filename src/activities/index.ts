import type { ActivityPorts } from "./activity-ports.ts";
import { createAdvanceBatch } from "./advance-batch.ts";
import { createAwaitTextract } from "./await-textract.ts";
import { createCheckPrerequisites } from "./check-prerequisites.ts";
import { createCheckWorker } from "./check-worker.ts";
import { createCollectPages } from "./collect-pages.ts";
import { createCompleteDocument } from "./complete-document.ts";
import { createCreateRecord } from "./create-record.ts";
import { createDeleteDocument } from "./delete-document.ts";
import { createEnsureBatch } from "./ensure-batch.ts";
import { createEnsureProject } from "./ensure-project.ts";
import { createExtractMissingPages } from "./extract-missing-pages.ts";
import { createFailDocument } from "./fail-document.ts";
import { createFinishBatch } from "./finish-batch.ts";
import { createListDocumentsToDelete } from "./list-documents-to-delete.ts";
import { createPostWebhook } from "./post-webhook.ts";
import { createRecognizeLocally } from "./recognize-locally.ts";
import { guardedTextract } from "./region-guard.ts";
import { createRemoveCopies } from "./remove-copies.ts";
import { createStageObject } from "./stage-object.ts";
import { createSubmitTextract } from "./submit-textract.ts";
import { createWriteMetadata } from "./write-metadata.ts";

/** Every activity by its name in the Web UI. */
export function createActivities(ports: ActivityPorts) {
  const { config, database, storage, governor, textractReachable, recognize } = ports;
  const { bucket, stagingBucket } = config.storage;
  const textract = guardedTextract(ports);
  return {
    ensureProject: createEnsureProject({ database, listsAfterMilliseconds: config.worker.listsAfterMilliseconds }),
    createRecord: createCreateRecord({ database, storage }),
    writeMetadata: createWriteMetadata({ database, storage }),
    checkPrerequisites: createCheckPrerequisites({
      database,
      storage,
      bucket,
      stagingBucket,
      ocrLimits: config.ocr,
      textractReachable,
    }),
    stageObject: createStageObject({ database, storage }),
    submitTextract: createSubmitTextract({
      database,
      textract,
      governor,
      channels: config.textract.notificationChannels,
    }),
    awaitTextract: createAwaitTextract({ database, storage, textract, governor, poll: config.textract }),
    collectPages: createCollectPages({ database, storage, bucket, textract }),
    extractMissingPages: createExtractMissingPages({ database, storage, bucket, stagingBucket, textractReachable }),
    removeCopies: createRemoveCopies({ database, storage }),
    recognizeLocally: createRecognizeLocally({ database, storage, limits: config.ocr, recognize }),
    completeDocument: createCompleteDocument({ database }),
    failDocument: createFailDocument({ database, governor }),
    checkWorker: createCheckWorker(ports),
    ensureBatch: createEnsureBatch({ database }),
    advanceBatch: createAdvanceBatch({ database, storage }),
    finishBatch: createFinishBatch({ database }),
    listDocumentsToDelete: createListDocumentsToDelete({ database }),
    deleteDocument: createDeleteDocument({ database, storage, bucket, stagingBucket }),
    postWebhook: createPostWebhook({ database, networks: config.webhooks.networks }),
  };
}

export type Activities = ReturnType<typeof createActivities>;
