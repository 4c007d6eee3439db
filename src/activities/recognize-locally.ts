import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cancellationSignal } from "@temporalio/activity";
import type { OcrLimits } from "../config.ts";
import { DocketError, type Failure } from "../contract/failures.ts";
import { pageRow } from "../contract/page-row.ts";
import type { DocumentLocation, Engine } from "../contract/process-document.ts";
import { byDriver, type Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { beginLocalReading, pagesToRead } from "../database/local-readings.ts";
import { storePages } from "../database/store-pages.ts";
import type { recognizeDocument } from "../ocr/recognize-document.ts";
import { recognizerIdentity } from "../ocr/recognizer-identity.ts";
import { describe } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { makeWorkFolder } from "../storage/work-folder.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface RecognizeRequest {
  documentId: string;
  document: DocumentLocation;
  expectedPages: number;
  /**
   * Whether pages count as read that an earlier run has read, of the same content by a recogniser with the same settings.
   * Workflows of earlier releases do not say.
   */
  onlyMissing?: boolean;
  /** The pages to read, where Textract has read the others. */
  pages?: number[] | undefined;
  /** Whether pages count as read that any job of Textract's has read of the same content, unless all is read anew. */
  keepRead?: boolean | undefined;
}

type PageFailures = { page: number; failure: Failure }[];

/**
 * Reads the document on this machine, page by page, in a child process of bounded memory. The object is copied to a
 * temporary file first, which is gone afterwards, however the activity ends; its size was checked before, and by its
 * entity tag it is the object that was checked.
 *
 * Idempotent: pages are written under their numbers, and a retry reads those that are not stored.
 */
export function createRecognizeLocally(ports: {
  database: Database;
  storage: ObjectStorage;
  limits: OcrLimits;
  recognize: typeof recognizeDocument;
}) {
  return async function recognizeLocally(request: RecognizeRequest): Promise<void> {
    await refuseAboveLimits(request);
    await stayAlive(() => readDocument(request));
  };

  async function readDocument(request: RecognizeRequest): Promise<void> {
    const { documentId, document, expectedPages, onlyMissing = false, keepRead = false } = request;
    const { runId } = currentRun();
    const executor = byDriver(ports.database);
    const { language, trainedData = null, tesseract = null } = ports.limits;
    const identity = await recognizerIdentity(ports.limits);
    const settings = { languages: language, trainedData, tesseract, identity };
    const { reading, etag, engine } = await beginLocalReading(executor, documentId, runId, settings);
    const of = { documentId, runId, expected: expectedPages, reading: onlyMissing ? reading : null, keepRead };
    const wanted = request.pages === undefined ? null : new Set(request.pages);
    const unread = async () => (await pagesToRead(executor, of)).filter((page) => wanted?.has(page) ?? true);
    const pages = await unread();
    const failures = pages.length === 0 ? [] : await readPages(request, pages, etag);
    const missing = await unread();
    if (missing.length > 0) throw pagesFailed(describe(document), missing, expectedPages, failures, engine);
    await recordEvent(ports.database, { documentId, runId, kind: "recognized-locally" });
  }

  async function readPages(
    { documentId, document }: RecognizeRequest,
    pages: number[],
    etag: string | null,
  ): Promise<PageFailures> {
    const { runId } = currentRun();
    const writer = { engine: "local" as const, writtenBy: runId, runId };
    const directory = await makeWorkFolder("ocr");
    try {
      const file = join(directory, "document");
      const signal = cancellationSignal();
      const body = await ports.storage.openStream(document, signal, etag ?? undefined);
      await pipeline(body, createWriteStream(file), { signal });
      const { failures } = await ports.recognize({
        file,
        name: describe(document),
        limits: ports.limits,
        pages,
        signal,
        onPage: (page) => storePages(ports.database, documentId, writer, [{ row: pageRow(page), rawKey: null }]),
      });
      return failures;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  // A second look for documents that were checked for another engine: before anything is downloaded.
  async function refuseAboveLimits({ document, expectedPages }: RecognizeRequest): Promise<void> {
    const { maxPages, maxBytes } = ports.limits;
    const { size } = await ports.storage.head(document);
    if (expectedPages <= maxPages && size <= maxBytes) return;
    const message = `${describe(document)} has ${expectedPages} pages and ${size} bytes; the local limits are ${maxPages} and ${maxBytes}.`;
    throw new DocketError("LocalLimitExceeded", message);
  }
}

/** With the list of missing pages where the others were read; a document of which no page was read has merely failed. */
function pagesFailed(
  name: string,
  missing: number[],
  expectedPages: number,
  failures: PageFailures,
  engine: Engine,
): DocketError {
  const reasons = failures.map(({ page, failure }) => `page ${page}: ${failure.type}, ${failure.message}`);
  const why = reasons.length > 0 ? ` (${reasons.slice(0, 10).join("; ")})` : "";
  const message = `${name}: pages ${missing.slice(0, 20).join(", ")} of ${expectedPages} could not be read${why}.`;
  if (missing.length === expectedPages) {
    return new DocketError("PagesFailed", message, {
      remedy: `Look at the pages. ${remedyOf(engine, "reads all of it")}`,
    });
  }
  const again =
    "reads the missing ones only (all, where the recogniser, its languages, their data or Docket's version were changed)";
  const remedy = `Look at the named pages; the others are kept. ${remedyOf(engine, again)}`;
  const warnings = new Map(failures.map(({ page, failure }) => [page, failure.type]));
  const missingPages = missing.map((page) => ({ page, warning: warnings.get(page) ?? null }));
  return new DocketError("PagesFailed", message, { remedy, missingPages });
}

function remedyOf(engine: Engine, again: string): string {
  if (engine !== "textract-then-local") return `Submitting again ${again}, and nothing is paid.`;
  const paid = "`docket redrive ID --dry-run` tells what is paid";
  return `Submitting again asks Textract first (${paid}); with the engine local nothing is paid.`;
}
