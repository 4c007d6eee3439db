import { DocketError } from "../contract/failures.ts";
import { type DocumentFacts, plainImage } from "./document-facts.ts";
import type { MediaType } from "./media-type.ts";
import type { RangeReader } from "./range-reader.ts";

/** Segments that are skipped at most before a JPEG's frame header; each is at most 64 KiB. */
const segmentLimit = 1000;
/** Fill bytes before one marker; unbounded, a file full of them would be read to its end. */
const fillLimit = 4096;
/** Bytes at the end in which the end mark is looked for: some programs leave something behind it. */
const tailBytes = 4096;
/** The signature, the header chunk, and the frames of a data chunk and of the end (ISO/IEC 15948, 5.6). */
const leastPngBytes = 8 + 25 + 12 + 12;

/**
 * A JPEG's size, from its frame header (ITU-T T.81, B.2.2).
 * @throws {DocketError} `Corrupt` when there is none, or it tells no size
 */
export async function inspectJpeg(reader: RangeReader): Promise<DocumentFacts> {
  let offset = 2;
  for (let segment = 0; segment < segmentLimit; segment++) {
    const marker = await nextMarker(reader, offset);
    if (marker.code === 0xd9 || marker.code === 0xda) break;
    offset = marker.end;
    // TEM and RSTn stand alone; everything else says how long it is.
    if (marker.code === 0x01 || (marker.code >= 0xd0 && marker.code <= 0xd7)) continue;
    const [high = 0, low = 0] = await reader.read(offset, 2);
    if (isFrameHeader(marker.code)) {
      const frame = await reader.read(offset + 2, 5);
      const height = ((frame[1] ?? 0) << 8) | (frame[2] ?? 0);
      const width = ((frame[3] ?? 0) << 8) | (frame[4] ?? 0);
      return image(reader, "image/jpeg", width, height, Buffer.from([0xff, 0xd9]));
    }
    offset += Math.max(2, (high << 8) | low);
  }
  throw new DocketError("Corrupt", `${reader.name} is a JPEG without a frame header.`);
}

/**
 * A PNG's size, from its first chunk (ISO/IEC 15948, 11.2.2).
 * @throws {DocketError} `Corrupt` when that chunk is missing, or it tells no size
 */
export async function inspectPng(reader: RangeReader): Promise<DocumentFacts> {
  const header = Buffer.from(await reader.read(0, 24));
  if (header.toString("latin1", 12, 16) !== "IHDR") {
    throw new DocketError("Corrupt", `${reader.name} is a PNG that does not begin with its header chunk.`);
  }
  if (reader.size < leastPngBytes) {
    throw new DocketError("Corrupt", `${reader.name} is a PNG that was cut off before its picture.`);
  }
  return image(reader, "image/png", header.readUInt32BE(16), header.readUInt32BE(20), Buffer.from("IEND", "latin1"));
}

async function nextMarker(reader: RangeReader, from: number): Promise<{ code: number; end: number }> {
  let offset = from;
  let [byte] = await reader.read(offset, 1);
  if (byte !== 0xff) throw new DocketError("Corrupt", `${reader.name} is a JPEG whose segments end at byte ${offset}.`);
  // Fill bytes (0xff) may precede a marker's code.
  while (byte === 0xff && offset - from <= fillLimit) {
    offset += 1;
    [byte] = await reader.read(offset, 1);
  }
  if (byte === 0xff || byte === undefined) {
    throw new DocketError("Corrupt", `${reader.name} is a JPEG without a marker at byte ${from}.`);
  }
  return { code: byte, end: offset + 1 };
}

/** SOF0 to SOF15, less the three codes of that range that mean something else (DHT, JPG, DAC). */
function isFrameHeader(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

async function image(
  reader: RangeReader,
  mediaType: MediaType,
  width: number,
  height: number,
  endMark: Buffer,
): Promise<DocumentFacts> {
  if (width === 0 || height === 0)
    throw new DocketError("Corrupt", `${reader.name} is an image of ${width} x ${height}.`);
  const tail = Math.min(tailBytes, reader.size);
  const ends = Buffer.from(await reader.read(reader.size - tail, tail)).includes(endMark);
  return {
    ...plainImage,
    mediaType,
    sizeBytes: reader.size,
    pages: 1,
    widest: width,
    tallest: height,
    pagesMeasured: 1,
    problems: ends ? [] : ["The image's end mark is missing: the file was probably cut off."],
  };
}
