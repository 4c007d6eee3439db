import { CancellationScope, condition, isCancellation, workflowInfo } from "@temporalio/workflow";
import type { Prerequisites } from "../activities/check-prerequisites.ts";
import type { CollectedPages, CollectRequest, SubmittedJob } from "../activities/textract-steps.ts";
import type { MissingPage } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { ValidInput } from "../contract/valid-input.ts";
import type { DocumentActivities } from "./document-activities.ts";
import { failureOf, incomplete } from "./document-failure.ts";
import type { DocumentStory } from "./document-story.ts";
import type { TextractLine } from "./textract-line.ts";

/** Jobs that one reading submits at most: the first, and new ones when Textract no longer knows the one before. */
const submissionsPerReading = 3;

/** What reading a document by Textract needs to know. */
export interface TextractReading {
  run: DocumentActivities;
  story: DocumentStory;
  /** Ids of the jobs that notifications named. */
  notifications: Set<string>;
  line: TextractLine;
  documentId: string;
  /** With the document as it is pinned. */
  input: ValidInput;
  found: Prerequisites;
}

/** What Textract reads: the whole document, or a small one made of some of its pages. */
interface Readable {
  document: DocumentLocation;
  region: string;
  part?: CollectRequest["part"];
}

/**
 * Reads a document by Textract: first the whole of it, then, once, the pages that were missing. Copies that were made for
 * Textract are removed, however it ends.
 * @throws `PagesFailed` or `PagesMissing`, with the list of pages, when some are still missing
 */
export async function readByTextract(reading: TextractReading): Promise<void> {
  const { run, story, documentId, input, found } = reading;
  const { document } = input;
  const copies: DocumentLocation[] = [];
  try {
    const whole: Readable = { document, region: found.region };
    const { staging } = found;
    if (staging) {
      whole.document = await story.step("stageObject", () =>
        run.storage.stageObject({ documentId, document, staging }),
      );
      copies.push(whole.document);
    }
    const { missing, job } = await readOnce(reading, whole);
    if (missing.length > 0) await readMissing(reading, whole, job, missing, copies);
  } finally {
    await removeCopies(reading, copies);
  }
}

/** The second try: a small document of the missing pages, with a job of its own. */
async function readMissing(
  reading: TextractReading,
  whole: Readable,
  wholeJob: SubmittedJob,
  missing: MissingPage[],
  copies: DocumentLocation[],
): Promise<void> {
  const { run, story, documentId, input, found } = reading;
  const pages = missing.map(({ page }) => page);
  try {
    const extracted = await story.step("extractMissingPages", () =>
      run.storage.extractMissingPages({
        documentId,
        document: input.document,
        readable: { document: whole.document, region: whole.region },
        pages,
        expectedPages: found.pages,
      }),
    );
    const { document, region } = extracted;
    if (extracted.copied) copies.push(document);
    const part = { pages, since: wholeJob.attempt, wholeLedgerId: wholeJob.ledgerId };
    const second = await readOnce(reading, { document, region, part });
    if (second.missing.length > 0) throw incomplete(documentId, found.pages, second.missing, null);
  } catch (error) {
    const failure = failureOf(error);
    // What is known of the pages stays the end of the document, whatever kept the second try from its own.
    if (isCancellation(error) || failure.type === "Superseded" || failure.missingPages) throw error;
    throw incomplete(documentId, found.pages, missing, failure);
  }
}

async function readOnce(
  { run, story, notifications, line, documentId, input, found }: TextractReading,
  { document, region, part }: Readable,
): Promise<CollectedPages & { job: SubmittedJob }> {
  const { features, force } = input;
  const { firstExecutionRunId: firstRunId } = workflowInfo();
  for (let submission = 1; ; submission++) {
    try {
      const job = await story.step("submitTextract", () =>
        line.turn(() =>
          run.textractSubmit.submitTextract({ documentId, document, features, region, force, firstRunId, part }),
        ),
      );
      story.submitted(job);
      const finished = await story.step("awaitTextract", () =>
        wakeable(job.jobId, notifications, () => run.textractPoll.awaitTextract({ documentId, features, job })),
      );
      const collected: CollectedPages | null | undefined = await story.step("collectPages", () =>
        run.textractCollect.collectPages({ documentId, features, job, finished, expectedPages: found.pages, part }),
      );
      // Releases before the second try answered nothing, and failed where a page was missing.
      return { missing: collected?.missing ?? [], job };
    } catch (error) {
      const jobIsGone = failureOf(error).type === "TextractJobExpired";
      if (!jobIsGone || submission === submissionsPerReading) throw error;
    }
  }
}

/** Copies that stay behind cost little and harm nobody: they do not keep a document from its end. */
async function removeCopies({ run, story, documentId }: TextractReading, copies: DocumentLocation[]): Promise<void> {
  if (copies.length === 0) return;
  await CancellationScope.nonCancellable(() =>
    story.step("removeCopies", () => run.cleanUp.removeCopies({ documentId, copies })),
  ).catch(() => undefined);
}

/**
 * Waits for a job by its slow poll, and looks at once when a notification names it. A notification that is lost, late,
 * doubled or false changes nothing: the poll goes on.
 */
async function wakeable<T>(jobId: string, notifications: Set<string>, look: () => Promise<T>): Promise<T> {
  for (;;) {
    const slowPoll = new CancellationScope();
    const waiting = slowPoll.run(look);
    const notified = condition(() => notifications.has(jobId));
    const woken = await Promise.race([waiting.then(() => false), notified.then(() => true)]);
    if (!woken) return waiting;
    notifications.delete(jobId);
    slowPoll.cancel();
    await waiting.catch(() => undefined);
  }
}
