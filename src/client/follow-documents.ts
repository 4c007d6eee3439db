import type { Failure } from "../contract/failures.ts";
import type { Services } from "./connect.ts";
import {
  type DocumentOutcome,
  outcomeOf,
  outcomeOfClosed,
  outcomeOfFailure,
  outcomeOfOvertaken,
} from "./document-outcome.ts";
import { failureOf } from "./failure-of.ts";
import { readLocalJobs } from "./local-textract-jobs.ts";
import { outageOf } from "./outage.ts";
import { readDocuments } from "./read-documents.ts";
import { readWorkflowStage, type WorkflowStage } from "./workflow-stage.ts";

/** A document to follow. */
export interface Followable {
  documentId: string;
  workflowId: string;
  /** The run to wait for; null for whichever is the latest. */
  runId: string | null;
  /** The engine that was asked for. */
  engine: string;
}

/** What is known of a document that is being followed. */
export interface FollowedDocument extends Followable {
  /** As the record has it, or the workflow's summary; null before either is known. */
  fileName: string | null;
  stage: string | null;
  waitingFor: string | null;
  pages: number | null;
  pagesDone: number;
  outcome: DocumentOutcome | null;
}

// One look costs a few queries and at most this many requests to Temporal, however many documents are followed.
const rowsPerLook = 500;
const describedPerLook = 12;

/** A document that is being worked on, and the run that owns it. */
interface Working {
  document: FollowedDocument;
  runId: string;
}

/**
 * Follows documents to their end by looking now and then: rows in bulk from the database, the steps of a few from the
 * Temporal server. A service that does not answer is a `trouble` to show, never an end: the work is durable and so is
 * the wait for it.
 */
export class DocumentFollower {
  readonly documents = new Map<string, FollowedDocument>();
  /** Why the last look was incomplete, and since when looks are; null when it was not. */
  trouble: { what: string; since: number } | null = null;
  readonly #services: Services;
  readonly #textractStatus: string | null;
  readonly #open = new Map<string, FollowedDocument>();
  readonly #describedAt = new Map<string, number>();

  constructor(services: Services, textractStatus: string | null) {
    this.#services = services;
    this.#textractStatus = textractStatus;
  }

  /** Documents that have not ended yet. */
  get open(): number {
    return this.#open.size;
  }

  add(document: Followable): void {
    const known = this.documents.get(document.documentId);
    if (known !== undefined && known.runId === document.runId && known.outcome === null) return;
    const unknown = { fileName: null, stage: null, waitingFor: null, pages: null, pagesDone: 0, outcome: null };
    const followed: FollowedDocument = { ...document, ...unknown };
    this.documents.set(document.documentId, followed);
    this.#open.set(document.documentId, followed);
  }

  /** Looks once. */
  async look(): Promise<void> {
    if (this.#open.size === 0) return;
    const looked = this.#rotate(rowsPerLook);
    try {
      const working = await this.#readRows(looked);
      await this.#readPagesDone(working);
      await this.#readStages(looked.filter((document) => document.outcome === null));
      this.trouble = null;
    } catch (error) {
      const what = outageOf(error, this.#services.config)?.what ?? `an answer: ${failureOf(error).message}`;
      this.trouble = { what, since: this.trouble?.since ?? Date.now() };
    }
  }

  /** The next ones in turn: those are put at the end of the queue. */
  #rotate(count: number): FollowedDocument[] {
    const next = [...this.#open.values()].slice(0, count);
    for (const document of next) {
      this.#open.delete(document.documentId);
      this.#open.set(document.documentId, document);
    }
    return next;
  }

  /** Settles the documents whose row is final; returns those that are being worked on. */
  async #readRows(looked: FollowedDocument[]): Promise<Working[]> {
    const working: Working[] = [];
    const byId = new Map(looked.map((document) => [document.documentId, document]));
    for (const record of await readDocuments(this.#services.database, [...byId.keys()])) {
      const document = byId.get(record.documentId);
      if (document === undefined) continue;
      // A row that an earlier run finished says nothing about the run that is waited for.
      if (document.runId !== null && record.runId !== document.runId) continue;
      document.pages = record.pages;
      document.fileName = record.fileName;
      if (record.status === "processing" || record.status === "received") {
        working.push({ document, runId: record.runId });
      } else this.#settle(document, await outcomeOf(this.#services, record));
    }
    return working;
  }

  async #readPagesDone(working: Working[]): Promise<void> {
    const ids = working.map(({ document }) => document.documentId);
    if (ids.length === 0) return;
    const { database } = this.#services;
    // Pages that an earlier run left say nothing of how far this one is.
    const writtenBy = { in: working.map(({ runId }) => runId) };
    const stored = await database.page.groupBy({
      by: ["documentId"],
      where: { documentId: { in: ids }, writtenBy },
      _count: true,
    });
    const done = new Map(stored.map((group) => [group.documentId, group._count]));
    if (this.#textractStatus !== null) {
      const jobs = await readLocalJobs(this.#textractStatus);
      const running = await database.textractJob.findMany({
        where: { documentId: { in: ids }, jobId: { in: [...jobs.keys()] } },
        select: { documentId: true, jobId: true },
      });
      for (const { documentId, jobId } of running) {
        done.set(documentId, Math.max(done.get(documentId) ?? 0, jobs.get(jobId ?? "") ?? 0));
      }
    }
    for (const { document } of working) {
      // Between the end of a job and the collection of its pages nobody counts them.
      document.pagesDone = Math.max(document.pagesDone, done.get(document.documentId) ?? 0);
    }
  }

  /** Describes the workflows that were not described for longest. */
  async #readStages(open: FollowedDocument[]): Promise<void> {
    const last = (document: FollowedDocument) => this.#describedAt.get(document.documentId) ?? 0;
    const described = open.toSorted((a, b) => last(a) - last(b)).slice(0, describedPerLook);
    await Promise.all(
      described.map(async (document) => {
        this.#describedAt.set(document.documentId, Date.now());
        const stage = await readWorkflowStage(this.#services.temporal, document.workflowId);
        if (stage !== null && (await this.#settleOvertaken(document, stage))) return;
        if (stage === null) {
          this.#settle(document, outcomeOfFailure(workflowMissing(document.documentId), document));
        } else if (stage.open) {
          document.fileName ??= stage.summary;
          document.stage = stage.stage ?? document.stage;
          document.waitingFor = stage.waitingFor;
        } else {
          this.#settle(document, await outcomeOfClosed(this.#services, { ...document, runId: stage.runId }));
        }
      }),
    );
  }

  /**
   * A run that somebody else's has followed is told as it ended itself: what the later one reads is not what was asked
   * for here. One that was reset goes on in the later run.
   */
  async #settleOvertaken(document: FollowedDocument, latest: WorkflowStage): Promise<boolean> {
    const { workflowId, runId } = document;
    if (runId === null || runId === latest.runId) return false;
    const own = await readWorkflowStage(this.#services.temporal, workflowId, runId);
    if (own === null || own.open || own.firstRunId === latest.firstRunId) return false;
    const { milliseconds } = own;
    this.#settle(document, await outcomeOfOvertaken(this.#services, { ...document, runId, milliseconds }));
    return true;
  }

  #settle(document: FollowedDocument, outcome: DocumentOutcome): void {
    document.outcome = outcome;
    document.stage = outcome.status;
    document.waitingFor = null;
    document.pages = outcome.pages;
    document.pagesDone = outcome.storedPages;
    this.#open.delete(document.documentId);
    this.#describedAt.delete(document.documentId);
  }
}

function workflowMissing(documentId: string): Failure {
  return {
    type: "RecordMissing",
    message: `The Temporal server knows no workflow of document ${documentId}, so nothing works on it.`,
    remedy: "Submit the document again; look whether TEMPORAL_ADDRESS and the namespace are the right ones.",
  };
}
