import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DocketError } from "../contract/failures.ts";
import { type MediaType, mediaTypeOf, sniffedBytes } from "../media/media-type.ts";
import type { SyncByteSource } from "../media/pdfium.ts";
import { jpegPage } from "./pictures/jpeg.ts";
import { type PicturePage, pdfOfPictures } from "./pictures/picture-pdf.ts";
import { pngPage } from "./pictures/png.ts";
import { tiffPages } from "./pictures/tiff.ts";

/** A document that is ready to be opened by pdfium, whatever kind of file it is. */
export interface DocumentFile {
  mediaType: MediaType;
  /** The document as a PDF: the file itself, or a wrapping around the pictures of it. */
  pdf: SyncByteSource;
  /** Unit of the PDF's page sizes: pictures have one point a pixel. */
  unit: "points" | "pixels";
  /** Pages that are known to be unreadable, by their number. */
  unreadable: Map<number, DocketError>;
  close(): void;
}

/**
 * Opens a file by ranges.
 * @param maxPixels of a picture as it is recognised
 * @throws {DocketError} `FileUnreadable`, `UnsupportedMedia`, `Corrupt`, `OutOfMemory`
 */
export async function openDocumentFile(path: string, name: string, maxPixels: number): Promise<DocumentFile> {
  const file = openSource(path, name);
  try {
    if (file.source.size === 0) throw new DocketError("Corrupt", `${name} is empty.`);
    const start = new Uint8Array(Math.min(sniffedBytes, file.source.size));
    file.source.read(0, start);
    const mediaType = mediaTypeOf(start);
    if (mediaType === null) {
      throw new DocketError("UnsupportedMedia", `${name} is neither PDF nor TIFF, JPEG or PNG by its first bytes.`);
    }
    const close = () => file.close();
    const common = { mediaType, unreadable: new Map<number, DocketError>(), close };
    if (mediaType === "application/pdf") return { ...common, pdf: file.source, unit: "points" };
    const pages = await picturesOf(mediaType, file.source, name, maxPixels, common.unreadable);
    return { ...common, pdf: pdfOfPictures(pages), unit: "pixels" };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function picturesOf(
  mediaType: MediaType,
  source: SyncByteSource,
  name: string,
  maxPixels: number,
  unreadable: Map<number, DocketError>,
): Promise<PicturePage[]> {
  const pictures =
    mediaType === "image/jpeg"
      ? [jpegPage(source, name)]
      : mediaType === "image/png"
        ? [await pngPage(source, name, maxPixels)]
        : tiffPages(source, name);
  return pictures.map((picture, index) => {
    const reason = "parts" in picture ? picture.damage : picture.reason;
    if (reason) unreadable.set(index + 1, reason);
    return "parts" in picture ? picture : { ...picture, orientation: 1, parts: [] };
  });
}

function openSource(path: string, name: string): { source: SyncByteSource; close(): void } {
  let descriptor: number;
  let size: number;
  try {
    descriptor = openSync(path, "r");
    size = fstatSync(descriptor).size;
  } catch (error) {
    throw new DocketError("FileUnreadable", `${name} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
  const source: SyncByteSource = {
    size,
    read(offset, into) {
      for (let done = 0; done < into.length; ) {
        const count = readSync(descriptor, into, done, into.length - done, offset + done);
        if (count === 0) throw new DocketError("Corrupt", `${name} ends before its byte ${offset + into.length}.`);
        done += count;
      }
    },
  };
  return { source, close: () => closeSync(descriptor) };
}
