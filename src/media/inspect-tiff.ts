import { DocketError } from "../contract/failures.ts";
import { type DocumentFacts, plainImage } from "./document-facts.ts";
import type { RangeReader } from "./range-reader.ts";

/** Directories that are walked at most: well above what any engine takes. */
const directoryLimit = 10_000;

// TIFF 6.0, section 2 and appendix A.
const imageWidth = 256;
const imageLength = 257;
const short = 3;
const long = 4;
const entryBytes = 12;

/**
 * Counts a TIFF's images by walking its chain of directories, each a range read of its own.
 * @throws {DocketError} `Corrupt` when the chain leads nowhere or back into itself, or an image has no size;
 * `TooManyPages` above 10,000 images
 */
export async function inspectTiff(reader: RangeReader): Promise<DocumentFacts> {
  const header = await view(reader, 0, 8);
  const littleEndian = header.getUint16(0) === 0x4949;
  const seen = new Set<number>();
  let widest = 0;
  let tallest = 0;
  let next = header.getUint32(4, littleEndian);
  if (next === 0) throw new DocketError("Corrupt", `${reader.name} is a TIFF without an image.`);

  while (next !== 0) {
    const page = seen.size + 1;
    if (seen.has(next)) {
      throw new DocketError("Corrupt", `${reader.name}: the directory of image ${page} is that of an earlier image.`);
    }
    if (page > directoryLimit) {
      throw new DocketError("TooManyPages", `${reader.name} is a TIFF of more than ${directoryLimit} images.`);
    }
    seen.add(next);
    const directory = await readDirectory(reader, next, littleEndian);
    const width = directory.sizes.get(imageWidth) ?? 0;
    const height = directory.sizes.get(imageLength) ?? 0;
    if (width === 0 || height === 0) {
      throw new DocketError("Corrupt", `${reader.name}: image ${page} does not say how large it is.`);
    }
    widest = Math.max(widest, width);
    tallest = Math.max(tallest, height);
    next = directory.next;
  }

  const pages = seen.size;
  return {
    ...plainImage,
    mediaType: "image/tiff",
    sizeBytes: reader.size,
    pages,
    widest,
    tallest,
    pagesMeasured: pages,
    problems: [],
  };
}

async function readDirectory(reader: RangeReader, offset: number, littleEndian: boolean) {
  const count = (await view(reader, offset, 2)).getUint16(0, littleEndian);
  const entries = await view(reader, offset + 2, count * entryBytes + 4);
  const sizes = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const at = i * entryBytes;
    const tag = entries.getUint16(at, littleEndian);
    if (tag !== imageWidth && tag !== imageLength) continue;
    const type = entries.getUint16(at + 2, littleEndian);
    if (type === short) sizes.set(tag, entries.getUint16(at + 8, littleEndian));
    else if (type === long) sizes.set(tag, entries.getUint32(at + 8, littleEndian));
  }
  return { sizes, next: entries.getUint32(count * entryBytes, littleEndian) };
}

async function view(reader: RangeReader, offset: number, length: number): Promise<DataView> {
  const bytes = await reader.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
