import { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";

// Tags: TIFF 6.0, appendix A; JPEG tables: TIFF technical note 2.
export const tag = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planar: 284,
  t4Options: 292,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  jpegTables: 347,
  jpegOffset: 513,
  jpegLength: 514,
} as const;

/** Directories that are walked at most: well above what the recogniser takes. */
const directoryLimit = 10_000;
/** Values of one tag: a picture of 40,000 rows in strips of one row has that many. */
const valueLimit = 200_000;

/** Bytes of a value by its type (TIFF 6.0, section 2). */
const typeBytes: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1 };

/** One directory of a TIFF: the tags of one picture. */
export class TiffDirectory {
  readonly #source: SyncByteSource;
  readonly #little: boolean;
  readonly #name: string;
  readonly #entries = new Map<number, { type: number; count: number; at: number }>();

  constructor(source: SyncByteSource, little: boolean, name: string) {
    this.#source = source;
    this.#little = little;
    this.#name = name;
  }

  get littleEndian(): boolean {
    return this.#little;
  }

  /** Reads the tags at `offset`; returns the offset of the next directory, 0 after the last. */
  load(offset: number): number {
    const count = this.#short(this.#bytes(offset, 2), 0);
    const table = this.#bytes(offset + 2, count * 12 + 4);
    for (let i = 0; i < count; i++) {
      const at = i * 12;
      const [type, values] = [this.#short(table, at + 2), this.#long(table, at + 4)];
      const size = (typeBytes[type] ?? 0) * values;
      this.#entries.set(this.#short(table, at), {
        type,
        count: values,
        at: size <= 4 ? offset + 2 + at + 8 : this.#long(table, at + 8),
      });
    }
    return this.#long(table, count * 12);
  }

  /** A tag's first value; undefined when the tag is missing. */
  number(tag: number): number | undefined {
    return this.numbers(tag, 1)[0];
  }

  /** A tag's values (BYTE, SHORT or LONG), empty when the tag is missing. */
  numbers(tag: number, limit = valueLimit): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    if (entry.count > valueLimit) throw this.#corrupt(`a tag of ${entry.count} values`);
    const size = typeBytes[entry.type] ?? 1;
    const count = Math.min(entry.count, limit);
    const bytes = this.#bytes(entry.at, count * size);
    return Array.from({ length: count }, (_, i) =>
      size === 1 ? bytes.readUInt8(i) : size === 2 ? this.#short(bytes, i * 2) : this.#long(bytes, i * size),
    );
  }

  /** A tag's bytes as they are (UNDEFINED). */
  data(tag: number): Buffer | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined || entry.count > valueLimit) return undefined;
    return this.#bytes(entry.at, entry.count * (typeBytes[entry.type] ?? 1));
  }

  #bytes(offset: number, length: number): Buffer {
    if (offset + length > this.#source.size) throw this.#corrupt(`a reference to byte ${offset + length}`);
    const bytes = Buffer.alloc(length);
    this.#source.read(offset, bytes);
    return bytes;
  }

  #short(bytes: Buffer, at: number): number {
    return this.#little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  #long(bytes: Buffer, at: number): number {
    return this.#little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  #corrupt(what: string): DocketError {
    return new DocketError("Corrupt", `${this.#name} is a TIFF of ${this.#source.size} bytes with ${what}.`);
  }
}

/**
 * The directories of a TIFF, one a picture.
 * @throws {DocketError} `Corrupt` when the chain leads nowhere or back into itself; `TooManyPages`
 */
export function readTiffDirectories(source: SyncByteSource, name: string): TiffDirectory[] {
  const header = Buffer.alloc(8);
  source.read(0, header);
  const little = header.toString("latin1", 0, 2) === "II";
  const seen = new Set<number>();
  const directories: TiffDirectory[] = [];
  let offset = little ? header.readUInt32LE(4) : header.readUInt32BE(4);
  while (offset !== 0) {
    if (seen.has(offset)) throw new DocketError("Corrupt", `${name} is a TIFF whose chain of pages runs in a circle.`);
    seen.add(offset);
    if (seen.size > directoryLimit) {
      throw new DocketError("TooManyPages", `${name} is a TIFF of more than ${directoryLimit} pictures.`);
    }
    const directory = new TiffDirectory(source, little, name);
    offset = directory.load(offset);
    directories.push(directory);
  }
  if (directories.length === 0) throw new DocketError("Corrupt", `${name} is a TIFF without a picture.`);
  return directories;
}
