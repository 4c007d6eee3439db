import pLimit from "p-limit";
import { DocketError } from "../contract/failures.ts";
import type { DocumentFacts } from "./document-facts.ts";
import { inspectJpeg, inspectPng } from "./inspect-image.ts";
import { inspectPdf } from "./inspect-pdf.ts";
import { inspectTiff } from "./inspect-tiff.ts";
import { mediaTypeOf, sniffedBytes } from "./media-type.ts";
import { type DocumentSource, MeteredSource, RangeReader } from "./range-reader.ts";

export type { DocumentFacts } from "./document-facts.ts";
export type { DocumentSource } from "./range-reader.ts";

export interface InspectOptions {
  /** After this time it ends with a typed error, whatever the document is like. Waiting for a turn does not count. */
  timeoutMilliseconds: number;
  signal?: AbortSignal;
  /** What messages call the document. Default: "The document". */
  name?: string;
  /** Bytes that may be read, a damaged document's included. Default: 64 MiB. A sound PDF of 480 MB takes some 0.2 MB. */
  budgetBytes?: number;
}

/** Documents that are looked at together; each may take a thread with 64 MiB. */
const together = pLimit(2);
const imageBlockBytes = 4096;
const imageBlocks = 16;

/**
 * Learns a document's facts by reading ranges of it, never the whole of a large one. A password is a fact, not an error.
 *
 * @throws {DocketError} `UnsupportedMedia`; `Corrupt`, which also says that the structure could not be made out within
 * the time, the bytes and the memory (64 MiB) allowed; `OutOfMemory` where V8 has none for it; `TooManyPages` and `TooLarge` where counting stops;
 * `StorageUnavailable` when most of the time went into waiting for the source. What the source throws is thrown on as
 * it is, and so is the signal's reason.
 */
export function inspectDocument(source: DocumentSource, options: InspectOptions): Promise<DocumentFacts> {
  return together(() => inspectOne(source, options));
}

async function inspectOne(source: DocumentSource, options: InspectOptions): Promise<DocumentFacts> {
  const { timeoutMilliseconds, signal, name = "The document", budgetBytes = 64 * 1024 * 1024 } = options;
  signal?.throwIfAborted();
  const stop = new AbortController();
  const metered = new MeteredSource(source, name, budgetBytes, stop.signal);
  const cancel = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  const timer = setTimeout(() => stop.abort(outOfTime(metered, timeoutMilliseconds)), timeoutMilliseconds);
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true });
  });
  try {
    // A third of the time is for the page sizes, so that a document without end still tells its page count.
    return await Promise.race([inspect(metered, stop.signal, timeoutMilliseconds / 3), stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

async function inspect(source: MeteredSource, signal: AbortSignal, milliseconds: number): Promise<DocumentFacts> {
  if (source.size === 0) throw new DocketError("Corrupt", `${source.name} is empty.`);
  const reader = new RangeReader(source, imageBlockBytes, imageBlocks);
  switch (mediaTypeOf(await reader.read(0, Math.min(sniffedBytes, source.size)))) {
    case "application/pdf":
      return inspectPdf(source, signal, milliseconds);
    case "image/tiff":
      return inspectTiff(reader);
    case "image/jpeg":
      return inspectJpeg(reader);
    case "image/png":
      return inspectPng(reader);
    case null:
      throw new DocketError(
        "UnsupportedMedia",
        `${source.name} is neither PDF nor TIFF, JPEG or PNG by its first bytes.`,
      );
  }
}

/** Whose fault it is that time ran out: the storage's, when most of it was spent waiting for it. */
function outOfTime(source: MeteredSource, timeoutMilliseconds: number): DocketError {
  const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
  const waited = source.waitedMilliseconds;
  if (waited > timeoutMilliseconds / 2) {
    const spent = `${seconds(waited)} s for ${source.requests} reads`;
    return new DocketError(
      "StorageUnavailable",
      `${source.name} could not be looked at in time: storage took ${spent}.`,
    );
  }
  const limit = `${seconds(timeoutMilliseconds)} s`;
  return new DocketError("Corrupt", `${source.name}: its structure could not be made out within ${limit}.`);
}
