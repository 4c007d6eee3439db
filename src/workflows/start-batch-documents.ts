import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { CancellationScope, ChildWorkflowCancellationType, ParentClosePolicy, startChild } from "@temporalio/workflow";
import { documentWorkflowId } from "../contract/document-id.ts";
import { type ProcessDocumentInput, processDocumentType, taskQueues } from "../contract/process-document.ts";
import { attributesAtStart, searchAttributes } from "../contract/search-attributes.ts";
import { nameOf } from "./document-activities.ts";
import type { processDocument } from "./process-document.ts";

/** Starts documents as children that outlive their batch; one that is under way already is left to itself. */
export async function startBatchDocuments(batchId: string, documents: readonly ProcessDocumentInput[]): Promise<void> {
  // A batch that is cancelled meanwhile must still know which of them were started.
  await CancellationScope.nonCancellable(() => Promise.all(documents.map((input) => start(batchId, input))));
}

async function start(batchId: string, input: ProcessDocumentInput): Promise<void> {
  const { documentId = "", project = "default", engine = "textract", priority = 3 } = input;
  try {
    await startChild<typeof processDocument>(processDocumentType, {
      workflowId: documentWorkflowId(documentId),
      taskQueue: taskQueues.documents,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      // What is complete already was settled before; whatever else ended goes on.
      workflowIdReusePolicy: "ALLOW_DUPLICATE",
      staticSummary: Array.from(nameOf(input)).slice(0, 48).join(""),
      priority: { priorityKey: priority, fairnessKey: project },
      typedSearchAttributes: [
        ...attributesAtStart({ project, engine }),
        { key: searchAttributes.batch, value: batchId },
      ],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
