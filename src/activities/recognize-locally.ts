import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import type { OcrLimits } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import { pageRow } from "../contract/page-row.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import { missingPages, storePages } from "../database/store-pages.ts";
import type { recognizeDocument } from "../ocr/recognize-document.ts";
import { describe } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { makeWorkFolder } from "../storage/work-folder.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface RecognizeRequest {
  documentId: string;
  document: DocumentLocation;
  expectedPages: number;
}

/** Where a retry goes on: pages up to this number are stored. */
interface Position {
  storedPages: number;
}

/**
 * Reads the document on this machine, page by page, in a child process of bounded memory. The object is copied to a
 * temporary file first, which is gone afterwards, however the activity ends; its size was checked before, and by its
 * entity tag it is the object that was checked.
 *
 * Idempotent: pages are written under their numbers; the heartbeat holds the last one, so that a retry reads on.
 */
export function createRecognizeLocally(ports: {
  database: Database;
  storage: ObjectStorage;
  limits: OcrLimits;
  recognize: typeof recognizeDocument;
}) {
  return async function recognizeLocally(request: RecognizeRequest): Promise<void> {
    await refuseAboveLimits(request);
    const resumed = activityInfo().heartbeatDetails as Position | undefined;
    const position: Position = { storedPages: resumed?.storedPages ?? 0 };
    await stayAlive(
      () => recognizeFrom(position, request),
      () => position,
    );
  };

  async function recognizeFrom(position: Position, request: RecognizeRequest): Promise<void> {
    const { documentId, document, expectedPages } = request;
    const run = currentRun();
    const writer = { engine: "local" as const, writtenBy: run.runId, runId: run.runId };
    const directory = await makeWorkFolder("ocr");
    try {
      const file = join(directory, "document");
      const signal = cancellationSignal();
      const metadata = await ports.database.documentMetadata.findUnique({ where: { documentId } });
      const body = await ports.storage.openStream(document, signal, metadata?.etag ?? undefined);
      await pipeline(body, createWriteStream(file), { signal });
      const { failures } = await ports.recognize({
        file,
        name: describe(document),
        limits: ports.limits,
        firstPage: Math.min(position.storedPages + 1, expectedPages),
        signal,
        async onPage(page) {
          await storePages(ports.database, documentId, writer, [{ row: pageRow(page), rawKey: null }]);
          position.storedPages = page.number;
          heartbeat(position);
        },
      });
      const missing = await missingPages(ports.database, documentId, writer, expectedPages);
      if (missing.length > 0) {
        const reasons = failures.map(({ page, failure }) => `page ${page}: ${failure.type}, ${failure.message}`);
        const why = reasons.length > 0 ? ` (${reasons.slice(0, 10).join("; ")})` : "";
        const message = `${describe(document)}: pages ${missing.slice(0, 20).join(", ")} could not be read${why}.`;
        throw new DocketError("PagesFailed", message);
      }
      await recordEvent(ports.database, { documentId, runId: run.runId, kind: "recognized-locally" });
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
