import pLimit from "p-limit";
import { DocketError } from "../contract/failures.ts";
import type { ExtractOptions } from "./extract-options.ts";
import { extractPdf } from "./extract-pdf.ts";
import { extractTiff } from "./extract-tiff.ts";
import { type MediaType, mediaTypeOf, sniffedBytes } from "./media-type.ts";
import { type DocumentSource, MeteredSource } from "./range-reader.ts";

/** Each may take a thread with 192 MiB. */
const oneAtATime = pLimit(1);

/** The kinds of document that may have several pages. */
export type ExtractableType = Extract<MediaType, "application/pdf" | "image/tiff">;

/**
 * Writes a small document of some of a document's pages, each as it is: nothing is decoded or drawn. The document is
 * read by ranges, and the small one is handed on as it comes.
 *
 * @returns what kind of document was written: the same as the source
 * @throws {DocketError} `Corrupt`, `UnsupportedMedia`, `OutOfMemory` (a PDF whose pages need more than 192 MiB),
 * `TooLarge` (above `maxBytes`). What the source and `write` throw is thrown on as it is, and so is the signal's reason.
 */
export function extractPages(source: DocumentSource, options: ExtractOptions): Promise<ExtractableType> {
  return oneAtATime(async () => {
    const { name, maxBytes, signal } = options;
    signal.throwIfAborted();
    const metered = new MeteredSource(source, name, 4 * maxBytes);
    const bounded = { ...options, write: limited(options) };
    const mediaType = mediaTypeOf(await metered.read(0, Math.min(sniffedBytes, source.size)));
    if (mediaType === "application/pdf") await extractPdf(metered, bounded);
    else if (mediaType === "image/tiff") await extractTiff(metered, bounded);
    else throw new DocketError("UnsupportedMedia", `${name} has no pages that could be taken out of it.`);
    return mediaType;
  });
}

function limited({ name, maxBytes, write }: ExtractOptions): ExtractOptions["write"] {
  let written = 0;
  return async (bytes) => {
    written += bytes.length;
    if (written > maxBytes) {
      const limit = `${Math.round(maxBytes / 1_000_000)} MB`;
      throw new DocketError("TooLarge", `A small document of some pages of ${name} would have more than ${limit}.`);
    }
    await write(bytes);
  };
}
