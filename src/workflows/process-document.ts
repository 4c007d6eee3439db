import {
  CancellationScope,
  defineQuery,
  defineSignal,
  isCancellation,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from "@temporalio/workflow";
import type { RecognizeRequest } from "../activities/recognize-locally.ts";
import type { Failure } from "../contract/failures.ts";
import {
  type DocumentProgress,
  type ProcessDocumentInput,
  type ProcessDocumentResult,
  progressQuery,
  type TextractFinished,
  textractFinishedSignal,
  textractTurnSignal,
} from "../contract/process-document.ts";
import { tellWebhooks } from "./deliver-webhook.ts";
import { documentActivities } from "./document-activities.ts";
import { failureOf, neitherRead, toWorkflowFailure, withoutRecord } from "./document-failure.ts";
import { DocumentStory } from "./document-story.ts";
import { readByTextract } from "./read-by-textract.ts";
import { TextractLine } from "./textract-line.ts";
import { versionedAs } from "./versioning.ts";

type LeftBehind = Pick<RecognizeRequest, "pages" | "keepRead">;

export const progress = defineQuery<DocumentProgress>(progressQuery);
export const textractFinished = defineSignal<[TextractFinished]>(textractFinishedSignal);
export const textractTurn = defineSignal(textractTurnSignal);

// A document ends on the version that it began on (docs/decisions/0030-documents-keep-their-version.md).
setWorkflowOptions(versionedAs("PINNED"), processDocument);

/** The life of one document, from a reference in S3 to text in the database. */
export async function processDocument(input: ProcessDocumentInput): Promise<ProcessDocumentResult> {
  const story = new DocumentStory(input);
  const run = documentActivities(input);
  setHandler(progress, () => story.progress());
  // Set before the first await, so that no early notification is lost; an unknown job's id changes nothing, and neither
  // does a signal that names none: anybody may send one, and an exception here would be retried for ever.
  const notifications = new Set<string>();
  setHandler(textractFinished, (told?: Partial<TextractFinished> | null) => {
    if (typeof told?.jobId === "string") notifications.add(told.jobId);
  });
  const line = new TextractLine();
  setHandler(textractTurn, () => line.call());

  try {
    const ensured = await story.step("ensureProject", () => run.database.ensureProject(input));
    const { listsSeldom, listsAfterMilliseconds, ...valid } = ensured;
    if (listsSeldom) story.listSeldom();
    if (listsAfterMilliseconds !== undefined) story.listAfter(listsAfterMilliseconds);
    const { firstExecutionRunId: firstRunId } = workflowInfo();
    const record = await story.step("createRecord", () => run.storage.createRecord({ ...valid, firstRunId }));
    story.identify(record.documentId);
    if (record.settled !== null) return story.complete(record.settled);

    const { settled: _, ...identified } = record;
    const { documentId, document } = record;
    await story.step("writeMetadata", () => run.storage.writeMetadata({ ...identified, input: valid }));
    const { engine } = valid;
    const found = await story.step("checkPrerequisites", () =>
      run.storage.checkPrerequisites({ documentId, document, engine }),
    );
    story.pages(found.pages);

    const byTextract = () =>
      readByTextract({ run, story, notifications, line, documentId, input: { ...valid, document }, found });
    const locally = (left?: LeftBehind) =>
      story.step("recognizeLocally", () =>
        run.ocr.recognizeLocally({
          ...{ documentId, document, expectedPages: found.pages, ...left },
          onlyMissing: !valid.force,
        }),
      );
    if (engine === "textract") await byTextract();
    else if (engine === "local") await locally();
    else await firstThatReads(byTextract, locally);

    const { webhooks, ...result } = await story.step("completeDocument", () =>
      run.database.completeDocument({ documentId, expectedPages: found.pages }),
    );
    await tellWebhooks(webhooks, { documentId, result, failure: null });
    return story.complete(result);
  } catch (error) {
    const { documentId } = story.progress();
    const failure = documentId === null ? withoutRecord(failureOf(error), input) : failureOf(error);
    if (documentId !== null) {
      // Should the database stay away for as long as its policy waits, the cause is still what the workflow ends with.
      await CancellationScope.nonCancellable(async () => {
        const failed = await story.step("failDocument", () => run.database.failDocument({ documentId, failure }));
        await tellWebhooks(failed?.webhooks, { documentId, result: null, failure });
      }).catch(() => undefined);
    }
    story.fail(failure);
    throw isCancellation(error) ? error : toWorkflowFailure(failure, documentId);
  }
}

/**
 * Only for callers that asked for it by name. Where the first read some pages the second reads the others. A document that
 * the second may not try, or of which it does not say what it lacks by then, keeps the first one's failure.
 */
async function firstThatReads(first: () => Promise<void>, second: (left: LeftBehind) => Promise<void>): Promise<void> {
  try {
    await first();
  } catch (error) {
    if (isCancellation(error)) throw error;
    const failure = failureOf(error);
    await second(leftBehind(failure)).catch((refusal) => {
      if (isCancellation(refusal)) throw refusal;
      const { type, message, missingPages } = failureOf(refusal);
      if (type === "LocalLimitExceeded") throw error;
      const listed = missingPages !== undefined || failure.missingPages === undefined;
      if (listed || type === "Superseded") throw refusal;
      throw neitherRead(failure, message);
    });
  }
}

/**
 * What the first has left to the second. A failure without a list may be a refusal: what was read before stays. Of pages
 * whose numbers contradict each other nobody can say which are whole.
 */
function leftBehind({ type, missingPages }: Failure): LeftBehind {
  if (missingPages !== undefined) return { pages: missingPages.map(({ page }) => page) };
  return { keepRead: type !== "PagesFailed" && type !== "PagesMissing" };
}
