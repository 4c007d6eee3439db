import { DocketError } from "../contract/failures.ts";
import type { ExtractOptions } from "./extract-options.ts";
import { type MeteredSource, RangeReader } from "./range-reader.ts";
import { readTiffEntries, sizeOfType, type TiffEntry } from "./tiff-entries.ts";

// TIFF 6.0, section 2 and appendix A: where the data of strips and tiles are, and how long they are.
const dataTags: ReadonlyMap<number, number> = new Map([
  [273, 279],
  [324, 325],
]);
const compressionTag = 259;
const oldJpeg = 6;
/** Directories inside a directory (SubIFDs, EXIF, GPS, interoperability): their places would be wrong in a copy. */
const directoryTags = new Set([330, 34665, 34853, 40965]);
const long = 4;
/** Places in a TIFF are numbers of 32 bits. */
const lastPlace = 0xffff_ffff;

/** Bytes of directories and of their values, of all pages together. */
const structureLimit = 16 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

/** A page as it will stand in the new file: its entries, and which ranges of the source follow them. */
interface CopiedPage {
  entries: TiffEntry[];
  /** Ranges of the source by the tag that tells where they are. */
  data: Map<number, { offset: number; length: number }[]>;
}

/**
 * Writes a TIFF of some pages: their directories with new places, and the data of their strips or tiles as they are.
 * @throws {DocketError} `Corrupt` when the structure leads nowhere; `UnsupportedMedia` for JPEG in the old manner, whose
 * tables lie anywhere in the file
 */
export async function extractTiff(
  source: MeteredSource,
  { pages, write, signal }: Pick<ExtractOptions, "pages" | "write" | "signal">,
): Promise<void> {
  const reader = new RangeReader(source, 4096, 16);
  const { littleEndian, directories } = await readTiffEntries(
    reader,
    Math.max(...pages),
    structureLimit,
    new Set(pages),
  );
  const copies = pages.map((page) => {
    const entries = directories.get(page);
    if (entries === undefined) throw new DocketError("Corrupt", `${source.name}: image ${page} cannot be found in it.`);
    return copyOf(entries, littleEndian, `${source.name}: image ${page}`);
  });
  await write(headerOf(littleEndian));
  let place = 8;
  for (const [index, copy] of copies.entries()) {
    const laidOut = layOut(copy, place, littleEndian, index === copies.length - 1, source.name);
    await write(laidOut.directory);
    for (const { offset, length } of laidOut.ranges) await copyRange(source, offset, length, write, signal);
    place = laidOut.end;
    // Directories begin at even places.
    if (place % 2 === 1 && index < copies.length - 1) {
      await write(new Uint8Array(1));
      place++;
    }
  }
}

function copyOf(entries: readonly TiffEntry[], littleEndian: boolean, name: string): CopiedPage {
  const numbersOf = (tag: number) => {
    const entry = entries.find((e) => e.tag === tag);
    return entry === undefined ? undefined : numbersIn(entry, littleEndian);
  };
  if (numbersOf(compressionTag)?.[0] === oldJpeg) {
    throw new DocketError("UnsupportedMedia", `${name} is a JPEG in TIFF's old manner, which cannot be taken out.`);
  }
  const kept = entries.filter(({ tag }) => !directoryTags.has(tag));
  const data: CopiedPage["data"] = new Map();
  for (const [offsetsTag, lengthsTag] of dataTags) {
    const offsets = numbersOf(offsetsTag);
    const lengths = numbersOf(lengthsTag);
    if (offsets === undefined) continue;
    if (lengths === undefined || lengths.length < offsets.length) {
      throw new DocketError("Corrupt", `${name} does not say how long its data are.`);
    }
    data.set(
      offsetsTag,
      offsets.map((offset, i) => ({ offset, length: lengths[i] ?? 0 })),
    );
  }
  if (data.size === 0) throw new DocketError("Corrupt", `${name} has no data.`);
  return { entries: kept, data };
}

/**
 * A directory with its values, at a place, and the ranges that follow it.
 * @throws {DocketError} `Corrupt` where the page says that it has more data than a TIFF can hold
 */
function layOut(copy: CopiedPage, place: number, littleEndian: boolean, last: boolean, name: string) {
  const { entries } = copy;
  let valuesAt = place + 2 + 12 * entries.length + 4;
  const lengthOf = (entry: TiffEntry) => (copy.data.has(entry.tag) ? 4 : sizeOfType(entry.type)) * entry.count;
  let dataAt = valuesAt;
  for (const entry of entries) if (lengthOf(entry) > 4) dataAt += lengthOf(entry) + (lengthOf(entry) % 2);
  const dataBytes = [...copy.data.values()].flat().reduce((sum, { length }) => sum + length, 0);
  if (dataAt + dataBytes >= lastPlace) {
    throw new DocketError(
      "Corrupt",
      `${name}: an image in it says that it has ${dataBytes} bytes, more than a TIFF can hold.`,
    );
  }

  const directory = Buffer.alloc(dataAt - place);
  const put16 = (value: number, at: number) =>
    littleEndian ? directory.writeUInt16LE(value, at) : directory.writeUInt16BE(value, at);
  const put32 = (value: number, at: number) =>
    littleEndian ? directory.writeUInt32LE(value, at) : directory.writeUInt32BE(value, at);
  put16(entries.length, 0);
  const ranges: { offset: number; length: number }[] = [];
  for (const [i, entry] of entries.entries()) {
    const at = 2 + 12 * i;
    const range = copy.data.get(entry.tag);
    const length = lengthOf(entry);
    put16(entry.tag, at);
    put16(range === undefined ? entry.type : long, at + 2);
    put32(entry.count, at + 4);
    const valueAt = length > 4 ? valuesAt - place : at + 8;
    if (length > 4) {
      put32(valuesAt, at + 8);
      valuesAt += length + (length % 2);
    }
    if (range === undefined) directory.set(entry.value, valueAt);
    else {
      for (const [n, part] of range.entries()) {
        put32(dataAt, valueAt + 4 * n);
        dataAt += part.length;
        ranges.push(part);
      }
    }
  }
  put32(last ? 0 : dataAt + (dataAt % 2), 2 + 12 * entries.length);
  return { directory, ranges, end: dataAt };
}

function headerOf(littleEndian: boolean): Uint8Array {
  return Buffer.from(littleEndian ? "49492a0008000000" : "4d4d002a00000008", "hex");
}

function numbersIn({ type, count, value }: TiffEntry, littleEndian: boolean): number[] {
  const bytes = Buffer.from(value);
  const size = sizeOfType(type);
  return Array.from({ length: count }, (_, i) =>
    littleEndian ? bytes.readUIntLE(i * size, Math.min(size, 4)) : bytes.readUIntBE(i * size, Math.min(size, 4)),
  );
}

async function copyRange(
  source: MeteredSource,
  offset: number,
  length: number,
  write: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (offset + length > source.size) {
    throw new DocketError("Corrupt", `${source.name} has ${source.size} bytes but refers to byte ${offset + length}.`);
  }
  for (let done = 0; done < length; done += pieceBytes) {
    signal.throwIfAborted();
    await write(await source.read(offset + done, Math.min(pieceBytes, length - done)));
  }
}
