import { createHash } from "node:crypto";
import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { cancellationSignal } from "@temporalio/activity";
import { DocketError, type Failure } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import type { Database } from "../database/client.ts";
import { recordEvent } from "../database/document-events.ts";
import type { ExtractOptions } from "../media/extract-options.ts";
import { extractPages } from "../media/extract-pages.ts";
import type { DocumentSource } from "../media/range-reader.ts";
import { describe } from "../storage/object-names.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { copyKey } from "./copy-key.ts";
import { makeCopy } from "./make-copy.ts";
import { currentRun } from "./run-identity.ts";
import { stayAlive } from "./stay-alive.ts";

export interface ExtractRequest {
  documentId: string;
  document: DocumentLocation;
  /** What Textract reads for the whole document: the object, or its copy in the staging bucket. */
  readable: { document: DocumentLocation; region: string };
  /** Pages that are wanted, in their order. */
  pages: number[];
  expectedPages: number;
}

/** What Textract reads for the missing pages. */
export interface ExtractedPages {
  document: DocumentLocation;
  region: string;
  /** A small document was made, which has to be removed afterwards. */
  copied: boolean;
}

/** Far below Textract's limit; missing pages are few as a rule. */
const maxBytes = 200_000_000;
const extractMilliseconds = 5 * 60_000;

/**
 * Makes a small document of the pages that are missing, in the bucket for results, or in the staging bucket where
 * Textract does not serve the former's region. The large one is read by ranges. Where all pages are missing, a picture
 * included, the small document is the document itself.
 *
 * Idempotent: its key depends on the document's content and the page numbers only, and what is there already is not
 * made again; an object in S3 is whole or not there.
 */
export function createExtractMissingPages(ports: {
  database: Database;
  storage: ObjectStorage;
  bucket: string;
  stagingBucket: string | undefined;
  textractReachable(region: string): Promise<Failure | null>;
}) {
  return async function extractMissingPages(request: ExtractRequest): Promise<ExtractedPages> {
    const { documentId, document, readable, pages, expectedPages } = request;
    if (pages.length === expectedPages) return { ...readable, copied: false };
    const metadata = await ports.database.documentMetadata.findUnique({ where: { documentId } });
    if (metadata === null) throw new DocketError("MetadataMissing", `Document ${documentId} has no metadata.`);

    const object = await ports.storage.head(document);
    if (metadata.etag !== null && metadata.etag !== object.etag) {
      throw new DocketError("ObjectChanged", `${describe(document)} is not the object that was read: its tag changed.`);
    }
    const target = await place();
    const content = metadata.sha256 ?? object.etag;
    const hash = createHash("sha256")
      .update(`${content}\n${pages.join(",")}`)
      .digest("hex");
    const copy = { bucket: target.bucket, key: copyKey(documentId, `pages-${hash}`) };
    if (!(await exists(ports.storage, copy))) {
      const source: DocumentSource = {
        size: object.size,
        read: (offset, length) => ports.storage.read(document, offset, length, object.etag),
      };
      const make = () => extractTo(copy, source, pages, describe(document));
      await stayAlive(() => makeCopy(ports, documentId, copy, make));
    }
    const { runId } = currentRun();
    const detail = { bucket: copy.bucket, key: copy.key, pages: pages.slice(0, 100), count: pages.length };
    await recordEvent(ports.database, { documentId, runId, kind: "pages-extracted", detail });
    return { document: copy, region: target.region, copied: true };
  };

  /** Where Textract can read it: the bucket for results, else the staging bucket. */
  async function place(): Promise<{ bucket: string; region: string }> {
    const region = await ports.storage.bucketRegion(ports.bucket);
    const unreachable = await ports.textractReachable(region);
    if (unreachable === null) return { bucket: ports.bucket, region };
    const { stagingBucket } = ports;
    if (stagingBucket === undefined) throw new DocketError(unreachable.type, unreachable.message, unreachable);
    return { bucket: stagingBucket, region: await ports.storage.bucketRegion(stagingBucket) };
  }

  async function extractTo(
    copy: DocumentLocation,
    source: DocumentSource,
    pages: readonly number[],
    name: string,
  ): Promise<void> {
    const body = new PassThrough();
    const stop = new AbortController();
    // A damaged document may be without end; its pages are not worth more than this.
    const timer = setTimeout(() => stop.abort(outOfTime(name, pages.length)), extractMilliseconds);
    const signal = AbortSignal.any([cancellationSignal(), stop.signal]);
    const upload = ports.storage.upload(copy.bucket, copy.key, body, { signal });
    // Whoever writes must not wait for a reader that is gone.
    const uploadFailed = upload.then(
      () => new Promise<never>(() => {}),
      (error) => {
        stop.abort(error);
        body.destroy();
        throw error;
      },
    );
    const write: ExtractOptions["write"] = async (bytes) => {
      if (!body.write(bytes)) await Promise.race([drained(body), uploadFailed]);
    };
    try {
      await Promise.race([extractPages(source, { pages, name, maxBytes, signal, write }), uploadFailed]);
      body.end();
    } catch (error) {
      body.destroy(error as Error);
      await upload.catch(() => undefined);
      throw error;
    } finally {
      clearTimeout(timer);
    }
    await Promise.all([finished(body).catch(() => undefined), upload]);
  }
}

function outOfTime(name: string, count: number): DocketError {
  const message = `${name}: taking ${count} pages out of it took more than ${extractMilliseconds / 60_000} minutes.`;
  return new DocketError("OutOfTime", message, {
    remedy: "Save the document anew in its own program, and submit that.",
  });
}

function drained(body: PassThrough): Promise<void> {
  return new Promise((resolve) => body.once("drain", resolve));
}

async function exists(storage: ObjectStorage, location: DocumentLocation): Promise<boolean> {
  try {
    return (await storage.head(location)).size > 0;
  } catch (error) {
    if (error instanceof DocketError && error.type === "ObjectMissing") return false;
    throw error;
  }
}
