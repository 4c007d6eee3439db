import type { SyncByteSource } from "../pdfium.ts";
import { PdfEndError, PdfParser, PdfSyntaxError } from "./parser.ts";
import { decodeStream } from "./stream-data.ts";
import type { StructureLimits } from "./structure-limits.ts";
import { integer, type PdfDictionary, PdfReference, type PdfValue } from "./values.ts";

/** Where an object is: at an offset of the file, or inside an object stream. */
export type ObjectPlace = { offset: number; generation: number } | { stream: number; index: number };

/** The cross references of a file, all of its updates together. */
export interface CrossReference {
  places: Map<number, ObjectPlace>;
  /** Trailer of the last update. */
  trailer: PdfDictionary;
  /** Where the last update's cross references begin; the next one points there. */
  start: number;
  /** Whether they are a stream: an update must use the same kind. */
  isStream: boolean;
}

/** An object as it stands in the file. */
export interface ParsedObject {
  number: number;
  generation: number;
  value: PdfValue;
  /** Where a stream's data begin; undefined for anything else. */
  dataOffset: number | undefined;
}

const updateLimit = 1000;
const tailBytes = 2048;
const padding = Buffer.alloc(32, " ");
const windows = [2048, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024];

export function readRange(source: SyncByteSource, offset: number, length: number): Buffer {
  if (offset < 0 || length < 0 || offset >= source.size) throw new PdfSyntaxError("a place outside the file");
  const bytes = Buffer.alloc(Math.min(length, source.size - offset));
  source.read(offset, bytes);
  return bytes;
}

/** Parses at a place of the file, with as much of it as is needed. */
function parseAt<T>(
  source: SyncByteSource,
  offset: number,
  { objectBytes }: StructureLimits,
  parse: (parser: PdfParser) => T,
): T {
  for (const window of windows.filter((bytes) => bytes <= objectBytes)) {
    try {
      const bytes = readRange(source, offset, window);
      // Padded at the file's end, so that its last value is seen to end.
      return parse(new PdfParser(bytes.length < window ? Buffer.concat([bytes, padding]) : bytes));
    } catch (error) {
      if (!(error instanceof PdfEndError) || offset + window >= source.size) throw error;
    }
  }
  throw new PdfSyntaxError(`an object larger than ${objectBytes} bytes`);
}

/** The object that begins at an offset. @throws {PdfSyntaxError} */
export function parseObject(source: SyncByteSource, offset: number, limits: StructureLimits): ParsedObject {
  return parseAt(source, offset, limits, (parser) => {
    const [number, generation, keyword] = [parser.word(), parser.word(), parser.word()];
    if (!/^\d+$/.test(number) || !/^\d+$/.test(generation) || keyword !== "obj") {
      throw new PdfSyntaxError("no object where one is said to be");
    }
    const value = parser.value();
    const isStream = parser.word() === "stream";
    const header = { number: Number(number), generation: Number(generation), value };
    if (!isStream || !(value instanceof Map)) return { ...header, dataOffset: undefined };
    const after = offset + parser.position;
    const [first, second] = readRange(source, after, 2);
    return { ...header, dataOffset: after + (first === 13 && second === 10 ? 2 : 1) };
  });
}

/**
 * Reads the cross references, tables and streams, from the newest update back to the first.
 * @throws {PdfSyntaxError} when they are damaged: other readers would search the file for its objects
 */
export function readCrossReference(source: SyncByteSource, limits: StructureLimits): CrossReference {
  if (readRange(source, 0, 5).toString("latin1") !== "%PDF-") throw new PdfSyntaxError("something before the header");
  const tailStart = Math.max(0, source.size - tailBytes);
  const tail = readRange(source, tailStart, tailBytes).toString("latin1");
  const start = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(tail)?.[1] ?? -1);
  const places: CrossReference["places"] = new Map();
  const free = new Set<number>();
  const seen = new Set<number>();
  let newest: { trailer: PdfDictionary; isStream: boolean } | undefined;
  for (let offset: number | undefined = start; offset !== undefined; ) {
    if (seen.has(offset) || seen.size > updateLimit) throw new PdfSyntaxError("updates in a circle");
    seen.add(offset);
    const section = readSection(source, offset, limits, places, free);
    newest ??= section;
    // A hybrid file keeps some of an update's objects in a stream beside the table.
    const beside = integer(section.trailer.get("XRefStm"));
    if (beside !== undefined && !section.isStream) readSection(source, beside, limits, places, free);
    offset = integer(section.trailer.get("Prev"));
  }
  if (newest === undefined) throw new PdfSyntaxError("no cross references");
  return { places, start, ...newest };
}

function readSection(
  source: SyncByteSource,
  offset: number,
  limits: StructureLimits,
  places: CrossReference["places"],
  free: Set<number>,
): { trailer: PdfDictionary; isStream: boolean } {
  const add = (number: number, place: ObjectPlace | null) => {
    if (places.has(number) || free.has(number)) return;
    if (place === null) free.add(number);
    else places.set(number, place);
    if (places.size + free.size > limits.objects) throw new PdfSyntaxError(`more than ${limits.objects} objects`);
  };
  const isTable = readRange(source, offset, 4).toString("latin1") === "xref";
  const trailer = isTable ? readTable(source, offset + 4, limits, add) : readStream(source, offset, limits, add);
  return { trailer, isStream: !isTable };
}

type AddPlace = (number: number, place: ObjectPlace | null) => void;

/** Entries of 20 bytes (ISO 32000-1, 7.5.4). */
function readTable(source: SyncByteSource, offset: number, limits: StructureLimits, add: AddPlace): PdfDictionary {
  for (let at = offset; ; ) {
    const head = readRange(source, at, 64).toString("latin1");
    const trailer = /^\s*trailer/.exec(head);
    if (trailer !== null) {
      const value = parseAt(source, at + trailer[0].length, limits, (parser) => parser.value());
      if (!(value instanceof Map)) throw new PdfSyntaxError("a trailer that is no dictionary");
      return value;
    }
    const [text, first, count] = /^\s*(\d+) (\d+)[ ]*(?:\r\n|\r|\n)/.exec(head) ?? [];
    if (text === undefined || Number(count) > limits.objects) throw new PdfSyntaxError("a damaged table");
    at += text.length;
    const entries = Number(count) === 0 ? "" : readRange(source, at, Number(count) * 20).toString("latin1");
    for (let i = 0; i < Number(count); i++) {
      const [, place, generation, kind] =
        /^(\d{10}) (\d{5}) ([nf])[ \r][\r\n]$/.exec(entries.slice(i * 20, i * 20 + 20)) ?? [];
      if (place === undefined) throw new PdfSyntaxError("a damaged table entry");
      const used = kind === "n" && Number(place) > 0;
      add(Number(first) + i, used ? { offset: Number(place), generation: Number(generation) } : null);
    }
    at += entries.length;
  }
}

/** Entries of fixed width in a stream (ISO 32000-1, 7.5.8). */
function readStream(source: SyncByteSource, offset: number, limits: StructureLimits, add: AddPlace): PdfDictionary {
  const { value: entries, dataOffset } = parseObject(source, offset, limits);
  if (!(entries instanceof Map) || dataOffset === undefined) throw new PdfSyntaxError("no cross-reference stream");
  const length = integer(entries.get("Length"));
  const widths = (entries.get("W") as PdfValue[] | undefined)?.map?.((width) => integer(width) ?? -1);
  if (length === undefined || widths?.length !== 3 || widths.some((width) => width < 0 || width > 8)) {
    throw new PdfSyntaxError("a damaged cross-reference stream");
  }
  const data = decodeStream(entries, readRange(source, dataOffset, length), limits);
  const [kindBytes = 0, secondBytes = 0, thirdBytes = 0] = widths;
  const index = entries.get("Index");
  const sections = Array.isArray(index)
    ? index.map((entry) => integer(entry) ?? 0)
    : [0, integer(entries.get("Size")) ?? 0];
  let at = 0;
  const field = (bytes: number) => {
    let result = 0;
    for (let i = 0; i < bytes; i++) result = result * 256 + (data[at++] ?? 0);
    return result;
  };
  for (let section = 0; section + 1 < sections.length; section += 2) {
    const [first = 0, count = 0] = sections.slice(section, section + 2);
    for (let i = 0; i < count && at < data.length; i++) {
      const kind = kindBytes === 0 ? 1 : field(kindBytes);
      const [second, third] = [field(secondBytes), field(thirdBytes)];
      if (kind === 1) add(first + i, { offset: second, generation: third });
      else if (kind === 2) add(first + i, { stream: second, index: third });
      else add(first + i, null);
    }
  }
  return entries;
}

/** The reference in an entry. @throws {PdfSyntaxError} when it is none */
export function reference(value: PdfValue | undefined, what: string): PdfReference {
  if (value instanceof PdfReference) return value;
  throw new PdfSyntaxError(`${what} is no reference`);
}
