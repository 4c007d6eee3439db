import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import type { Services } from "../../client/connect.ts";
import { type DocumentOutcome, outcomeOf, outcomeOfFailure } from "../../client/document-outcome.ts";
import { failureOf } from "../../client/failure-of.ts";
import type { RefusedFile } from "../../client/find-documents.ts";
import { DocumentFollower } from "../../client/follow-documents.ts";
import { readDocuments } from "../../client/read-documents.ts";
import type { ServiceWait } from "../../client/service-wait.ts";
import { documentWorkflowId } from "../../contract/document-id.ts";
import type { FileResult } from "../render/document-table.ts";
import { shortNames } from "../render/short-names.ts";
import type { Display } from "./display.ts";
import { forEachItem, type HandInItem, handInsAtOnce } from "./hand-in-items.ts";
import { PageRate } from "./page-rate.ts";
import {
  endedProgress,
  type FileProgress,
  foundProgress,
  type ProgressView,
  startedProgress,
  totalsOf,
} from "./progress-view.ts";

export interface ProcessOptions {
  services: Services;
  /** Address of the local Textract endpoint's status; null where Amazon's own is used. */
  textractStatus: string | null;
  engine: string;
  display: Display;
  /** Waits where a service does not answer at the moment of hand-in. */
  wait: ServiceWait;
  signal: AbortSignal;
  /** Called once for every file as soon as its document has ended, one call at a time. */
  onResult(result: FileResult): Promise<void>;
}

const lookEveryMilliseconds = 1000;

/** A file and what has become of it. */
interface Entry {
  file: string;
  progress: FileProgress;
  documentId: string | null;
  /** What the run that it waits for reads instead of what was asked for: it is handed in again afterwards. */
  otherWork: string | null;
  result: FileResult | null;
}

/**
 * Hands items in and follows their documents until each has ended; files that were refused have ended already. Rejects
 * when the signal is aborted: documents that were handed in go on without this process.
 * @returns one result an item, in their order, then the refused ones
 */
export async function processFiles(
  items: HandInItem[],
  refused: RefusedFile[],
  options: ProcessOptions,
): Promise<FileResult[]> {
  const { services, engine, wait, signal } = options;
  const files = [...items, ...refused].map(({ file }) => file);
  const names = shortNames(files);
  const entries = files.map((file, index): Entry => {
    return { file, progress: foundProgress(names[index] ?? file), documentId: null, otherWork: null, result: null };
  });
  const follower = new DocumentFollower(services, options.textractStatus);
  const trouble = () => wait.outage ?? follower.trouble;
  const show = createShow(entries, trouble, options.display);
  let reporting = Promise.resolve();

  const finish = (entry: Entry, outcome: DocumentOutcome, reused: boolean) => {
    const result = { file: entry.file, outcome, reused };
    entry.result = result;
    Object.assign(entry.progress, endedProgress(outcome, reused));
    reporting = reporting.then(() => options.onResult(result));
    // Whether it fails is looked at when all are through.
    reporting.catch(() => {});
  };
  refused.forEach(({ failure }, index) => {
    const entry = entries[items.length + index];
    if (entry) finish(entry, outcomeOfFailure(failure, { documentId: null, engine }), false);
  });

  // Also of those that follow other work, which may end for many at the same time.
  const limit = pLimit(handInsAtOnce);
  const handIn = (item: HandInItem, index: number) => limit(() => handInNow(item, entries[index] as Entry));
  const handInNow = async (item: HandInItem, entry: Entry) => {
    signal.throwIfAborted();
    entry.progress.state = "handing-in";
    try {
      const { documentId, runId, otherWork = null } = await wait.through(() => item.handIn());
      Object.assign(entry, { documentId, otherWork });
      if (runId === null) return finish(entry, await wait.through(() => readOutcome(services, documentId)), true);
      entry.progress.state = "started";
      follower.add({ documentId, workflowId: documentWorkflowId(documentId), runId, engine });
    } catch (error) {
      signal.throwIfAborted();
      finish(entry, outcomeOfFailure(failureOf(error), { documentId: entry.documentId, engine }), false);
    }
  };
  let handedIn = false;
  const handingIn = forEachItem(items, handIn).then(() => {
    handedIn = true;
  });
  // An abort is noticed below, also when it comes during a look.
  handingIn.catch(() => {});

  for (;;) {
    signal.throwIfAborted();
    await follower.look();
    for (const [index, entry] of entries.entries()) {
      const followed = entry.documentId === null ? undefined : follower.documents.get(entry.documentId);
      if (entry.result !== null || followed === undefined) continue;
      const { otherWork } = entry;
      if (followed.outcome === null) {
        Object.assign(entry.progress, startedProgress(followed));
        if (otherWork !== null) entry.progress.waitingFor = endOfOther(otherWork, followed.waitingFor);
      } else if (otherWork === null) finish(entry, followed.outcome, false);
      else {
        Object.assign(entry, { documentId: null, otherWork: null });
        Object.assign(entry.progress, foundProgress(entry.progress.name));
        // An abort is noticed above.
        handIn(items[index] as HandInItem, index).catch(() => {});
      }
    }
    show();
    if (handedIn && entries.every((entry) => entry.result !== null)) break;
    const pause = sleep(lookEveryMilliseconds, undefined, { signal });
    pause.catch(() => {});
    await (handedIn ? pause : Promise.race([pause, handingIn]));
  }
  await reporting;
  return entries.map((entry) => entry.result as FileResult);
}

/** What a file waits for while its document is read for something else, and what that reading waits for. */
function endOfOther(otherWork: string, waitingFor: string | null): string {
  const waits = waitingFor === null ? "" : `, which waits: ${waitingFor}`;
  return `the end of its reading for something else: ${otherWork}${waits}`;
}

function createShow(entries: Entry[], trouble: () => ProgressView["trouble"], display: Display): () => void {
  const rate = new PageRate();
  const files = entries.map((entry) => entry.progress);
  return () => {
    const worked = totalsOf(files.filter((file) => file.state !== "reused"));
    rate.add(Date.now(), worked.pagesDone);
    const millisecondsLeft = worked.pagesKnown ? rate.millisecondsFor(worked.pages - worked.pagesDone) : null;
    display.update({ files, pagesPerMinute: rate.perMinute(), millisecondsLeft, trouble: trouble() });
  };
}

async function readOutcome(services: Services, documentId: string): Promise<DocumentOutcome> {
  const [record] = await readDocuments(services.database, [documentId]);
  if (record === undefined) throw new Error(`document ${documentId} vanished from the database`);
  return outcomeOf(services, record);
}
