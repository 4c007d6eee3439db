import { DocketError } from "../contract/failures.ts";
import type { RangeReader } from "./range-reader.ts";

/** One entry of a TIFF directory with its value, in the file's own byte order. */
export interface TiffEntry {
  tag: number;
  type: number;
  count: number;
  value: Uint8Array;
}

// TIFF 6.0, section 2: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE.
const sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/** Bytes of one value of a type; 0 for a type that is not known. */
export function sizeOfType(type: number): number {
  return sizes[type] ?? 0;
}

/**
 * Walks the directories of a TIFF up to a page, and reads the entries of those that are wanted.
 * @param structureLimit bytes that may be read of entries and values
 * @throws {DocketError} `Corrupt` when the chain leads back into itself, or the entries are larger than the limit
 */
export async function readTiffEntries(
  reader: RangeReader,
  lastPage: number,
  structureLimit: number,
  wanted: ReadonlySet<number>,
): Promise<{ littleEndian: boolean; directories: Map<number, TiffEntry[]> }> {
  const littleEndian = (await reader.read(0, 2))[0] === 0x49;
  const directories = new Map<number, TiffEntry[]>();
  const seen = new Set<number>();
  let budget = structureLimit;
  const read = async (offset: number, length: number) => {
    budget -= length;
    if (budget < 0) throw new DocketError("Corrupt", `${reader.name}: its directories are larger than their pictures.`);
    const bytes = await reader.read(offset, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };

  let next = (await read(4, 4)).getUint32(0, littleEndian);
  for (let page = 1; page <= lastPage && next !== 0; page++) {
    if (seen.has(next)) throw new DocketError("Corrupt", `${reader.name}: its directories lead back into themselves.`);
    seen.add(next);
    const count = (await read(next, 2)).getUint16(0, littleEndian);
    if (wanted.has(page)) directories.set(page, await entriesOf(await read(next + 2, count * 12), read, littleEndian));
    next = (await read(next + 2 + count * 12, 4)).getUint32(0, littleEndian);
  }
  return { littleEndian, directories };
}

async function entriesOf(
  view: DataView,
  read: (offset: number, length: number) => Promise<DataView>,
  littleEndian: boolean,
): Promise<TiffEntry[]> {
  const entries: TiffEntry[] = [];
  for (let at = 0; at < view.byteLength; at += 12) {
    const type = view.getUint16(at + 2, littleEndian);
    const count = view.getUint32(at + 4, littleEndian);
    const length = sizeOfType(type) * count;
    // Readers skip fields of a type that they do not know (TIFF 6.0, section 2).
    if (length === 0) continue;
    const value =
      length <= 4
        ? bytesOf(view, at + 8, length)
        : bytesOf(await read(view.getUint32(at + 8, littleEndian), length), 0, length);
    entries.push({ tag: view.getUint16(at, littleEndian), type, count, value });
  }
  return entries;
}

function bytesOf(view: DataView, from: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + from, length);
}
