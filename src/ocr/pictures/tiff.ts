import { DocketError, type FailureType } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import type { PicturePage, PicturePart } from "./picture-pdf.ts";
import { codingOf, onePlane, tiffCompression } from "./tiff-coding.ts";
import { readTiffDirectories, type TiffDirectory, tag } from "./tiff-directory.ts";

/** Strips or tiles of one picture, at most: each becomes an image of its own. */
const partLimit = 20_000;

/** What could not be made a page, and why: the other pictures of the file are pages all the same. */
export interface UnreadablePicture {
  width: number;
  height: number;
  reason: DocketError;
}

/**
 * The pictures of a TIFF as pages: every strip or tile becomes an image with the data as they are, for a PDF has the
 * same codings (CCITT groups 3 and 4, LZW, Deflate, JPEG, PackBits).
 * @throws {DocketError} `Corrupt` when the file's structure cannot be followed
 */
export function tiffPages(source: SyncByteSource, name: string): (PicturePage | UnreadablePicture)[] {
  return readTiffDirectories(source, name).map((directory, index) => {
    let [width, height] = [0, 0];
    const named = (type: FailureType, what: string) =>
      new DocketError(type, `${name}: picture ${index + 1} cannot be read: ${what}.`);
    try {
      [width, height] = [directory.number(tag.width) ?? 0, directory.number(tag.height) ?? 0];
      if (width === 0 || height === 0) throw new DocketError("Corrupt", "it does not say how large it is");
      const { missing, ...page } = tiffPage(directory, source, width, height);
      if (missing === 0) return page;
      return {
        ...page,
        damage: named("Corrupt", `strips or tiles of it are not wholly in the file (${missing})`),
      };
    } catch (error) {
      if (!(error instanceof DocketError)) throw error;
      return { width: width || 1, height: height || 1, reason: named(error.type, error.message) };
    }
  });
}

/** A picture of which `missing` strips or tiles are not, or not wholly, in the file. */
function tiffPage(
  directory: TiffDirectory,
  source: SyncByteSource,
  width: number,
  height: number,
): PicturePage & { missing: number } {
  const orientation = directory.number(tag.orientation) ?? 1;
  const coded = directory.number(tag.compression) ?? tiffCompression.none;
  const oldJpeg = directory.number(tag.jpegOffset);
  if (coded === tiffCompression.oldJpeg && oldJpeg !== undefined) {
    const rest = source.size - oldJpeg;
    if (rest <= 0) throw new DocketError("Corrupt", "its data would begin behind the end of the file");
    // Writers of this old kind are known for wrong lengths.
    const data = [{ source, offset: oldJpeg, length: Math.min(directory.number(tag.jpegLength) || rest, rest) }];
    const coding = "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode";
    return { width, height, orientation, missing: 0, parts: [{ width, height, x: 0, y: 0, coding, data }] };
  }
  const picture = codingOf(directory, coded);
  const tileWidth = directory.number(tag.tileWidth);
  const partWidth = tileWidth ?? width;
  const partHeight =
    tileWidth === undefined
      ? (directory.number(tag.rowsPerStrip) ?? height)
      : (directory.number(tag.tileHeight) ?? height);
  if (partWidth === 0 || partHeight === 0) throw new DocketError("Corrupt", "its strips have no size");
  const across = Math.ceil(width / partWidth);
  const count = across * Math.ceil(height / partHeight);
  const first = (onePlane(directory) ?? 0) * count;
  const [offsetsTag, lengthsTag] =
    tileWidth === undefined ? [tag.stripOffsets, tag.stripByteCounts] : [tag.tileOffsets, tag.tileByteCounts];
  const offsets = directory.numbers(offsetsTag).slice(first, first + count);
  const lengths = directory.numbers(lengthsTag).slice(first, first + count);
  if (offsets.length === 0) throw new DocketError("Corrupt", "it has no data");
  if (offsets.length > partLimit) throw new DocketError("Corrupt", `it has ${offsets.length} strips`);
  const parts: PicturePart[] = [];
  let missing = Math.max(0, count - offsets.length);
  for (const [i, offset] of offsets.entries()) {
    const [x, y] = [(i % across) * partWidth, Math.floor(i / across) * partHeight];
    // A tile at the edge is whole; a last strip ends with the picture.
    const rows = tileWidth === undefined ? Math.min(partHeight, height - y) : partHeight;
    const rest = Math.max(0, source.size - offset);
    const length = Math.min(lengths[i] ?? rest, rest);
    // Writers pad what is not compressed: only what the picture needs must be there.
    const needed = Math.min(lengths[i] ?? 1, picture.uncompressedBytes(partWidth, rows));
    if (needed > rest) missing += 1;
    const data = picture.data({ source, offset, length });
    parts.push({ width: partWidth, height: rows, x, y, coding: picture.coding(partWidth, rows), data });
  }
  return { width, height, orientation, missing, parts };
}
