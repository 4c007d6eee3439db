import { setTimeout as sleep } from "node:timers/promises";
import { defaultProject } from "../contract/document-id.ts";
import { DocketError } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { type SearchAnswer, searchPages } from "../database/search-pages.ts";
import { objectAddress } from "../storage/object-names.ts";
import { connectServices, type Services } from "./connect.ts";
import type { DocumentOutcome } from "./document-outcome.ts";
import { DocumentFollower } from "./follow-documents.ts";
import { createFileHandIn, createObjectHandIn, type HandedIn, type HandInOptions } from "./hand-in-document.ts";
import { requireOwnWork } from "./other-work.ts";
import { type DocumentFilter, type DocumentRecord, listDocuments, readDocuments } from "./read-documents.ts";
import { readPages, readPageTexts, type StoredPage } from "./read-pages.ts";

export { DocketError, type Failure, type FailureType, type MissingPage } from "../contract/failures.ts";
export { type Feature, type FeatureType, featuresOf, type Query } from "../contract/features.ts";
export type { Box, Line, PageSource, Word } from "../contract/page.ts";
export type { DocumentLocation, Engine } from "../contract/process-document.ts";
export type { FoundPage, SearchAnswer, SnippetPart } from "../database/search-pages.ts";
export type { DocumentFilter, DocumentOutcome, DocumentRecord, HandedIn, HandInOptions, StoredPage };

/** Where a document stands, as {@link DocketClient.follow} tells it. */
export interface DocumentState {
  documentId: string;
  /** The step under way, or how the document ended; null before the server tells. */
  stage: string | null;
  /** What the document waits for, in words. */
  waitingFor: string | null;
  pages: number | null;
  pagesDone: number;
  /** Set in the last state. */
  outcome: DocumentOutcome | null;
}

const lookEveryMilliseconds = 500;

/**
 * Docket for TypeScript and JavaScript programs: hands documents in, follows them, reads what was recognised. It speaks
 * to Temporal, PostgreSQL and S3 as `docket` does, and finds them by the same settings (docs/configuration.md).
 *
 * ```ts
 * await using docket = await DocketClient.connect();
 * const { documentId } = await docket.submitFile("scan.pdf", { project: "smith-v-jones" });
 * const outcome = await docket.outcome(documentId);
 * if (outcome.status === "complete") console.log(await docket.text(documentId));
 * ```
 */
export class DocketClient implements AsyncDisposable {
  readonly #services: Services;

  private constructor(services: Services) {
    this.#services = services;
  }

  /**
   * @param environment the settings; `docket env` prints those of a running stack
   * @throws {DocketError} `InvalidInput` for settings that are missing or wrong, `TemporalUnavailable`
   */
  static async connect(environment: NodeJS.ProcessEnv = process.env): Promise<DocketClient> {
    return new DocketClient(await connectServices(environment));
  }

  /**
   * Uploads a file, unless its content is there, and starts its document. Doing it twice is doing it once.
   * @throws {DocketError} `FileUnreadable`, `ObjectChanged`, `DocumentUnderWay` where the document is being read for
   *   something else, and what S3, PostgreSQL and Temporal refuse with
   */
  async submitFile(path: string, options: Partial<HandInOptions> = {}, signal?: AbortSignal): Promise<HandedIn> {
    const handIn = createFileHandIn(this.#services, complete(options), signal);
    return requireOwnWork(path, await handIn({ file: path, path }));
  }

  /**
   * Starts the document of an object that is in S3. It is read once, for its hash.
   * @throws {DocketError} `DocumentUnderWay` where the document is being read for something else, and what S3, PostgreSQL
   *   and Temporal refuse with
   */
  async submitObject(
    location: DocumentLocation,
    options: Partial<HandInOptions> = {},
    signal?: AbortSignal,
  ): Promise<HandedIn> {
    const handIn = createObjectHandIn(this.#services, complete(options), signal);
    return requireOwnWork(objectAddress(location), await handIn(location));
  }

  /** A document's record; null where there is none (yet). */
  async document(documentId: string): Promise<DocumentRecord | null> {
    const [record] = await readDocuments(this.#services.database, [documentId]);
    return record ?? null;
  }

  /** All documents that match, newest first. */
  documents(filter: DocumentFilter = {}): AsyncGenerator<DocumentRecord> {
    return listDocuments(this.#services.database, filter);
  }

  /**
   * Follows a document to its end: gives a state whenever it has changed, and last the one with its outcome. A service
   * that does not answer for a while is waited for.
   * @param handedIn what `submitFile` or `submitObject` gave; an id alone follows whichever run is the latest
   * @throws the signal's reason when it is aborted
   */
  async *follow(handedIn: HandedIn | string, signal?: AbortSignal): AsyncGenerator<DocumentState> {
    const { documentId, runId } = typeof handedIn === "string" ? { documentId: handedIn, runId: null } : handedIn;
    const record = await this.document(documentId);
    const workflowId = runId === null && record !== null ? record.workflowId : `document/${documentId}`;
    const follower = new DocumentFollower(this.#services, null);
    follower.add({ documentId, workflowId, runId, engine: record?.engine ?? "textract" });
    let told = "";
    while (true) {
      signal?.throwIfAborted();
      await follower.look();
      const followed = follower.documents.get(documentId);
      if (followed !== undefined) {
        const { stage, waitingFor, pages, pagesDone, outcome } = followed;
        const state: DocumentState = { documentId, stage, waitingFor, pages, pagesDone, outcome };
        const now = JSON.stringify(state);
        if (now !== told) yield state;
        told = now;
        if (outcome !== null) return;
      }
      await sleep(lookEveryMilliseconds, undefined, signal ? { signal } : {});
    }
  }

  /** Waits for a document's end, however it ends. Parameters and errors as of {@link follow}. */
  async outcome(handedIn: HandedIn | string, signal?: AbortSignal): Promise<DocumentOutcome> {
    for await (const { outcome } of this.follow(handedIn, signal)) if (outcome !== null) return outcome;
    throw new DocketError("Internal", "Following a document ended without its outcome.");
  }

  /**
   * The stored pages in their order, with lines, words and geometry, a few in memory at a time.
   * @param reading.recognised what was recognised, also where a person has corrected a page
   */
  pages(documentId: string, reading: { recognised?: boolean } = {}): AsyncGenerator<StoredPage> {
    return readPages(this.#services.database, documentId, reading);
  }

  /** The text of all stored pages, a form feed between two. Whether it is all of the document its outcome tells. */
  async text(documentId: string, reading: { recognised?: boolean } = {}): Promise<string> {
    const texts: string[] = [];
    for await (const { text } of readPageTexts(this.#services.database, documentId, reading)) texts.push(text);
    return texts.join("\f");
  }

  /** Pages by their text, best first: words, "a phrase", `or`, `-not`. */
  search(phrase: string, { project, limit = 10 }: { project?: string; limit?: number } = {}): Promise<SearchAnswer> {
    const where = project === undefined ? {} : { project };
    return searchPages(this.#services.database, { phrase, limit, statuses: ["complete"], ...where });
  }

  close(): Promise<void> {
    return this.#services.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function complete(options: Partial<HandInOptions>): HandInOptions {
  return { project: defaultProject, engine: "textract", features: [], ...options };
}
