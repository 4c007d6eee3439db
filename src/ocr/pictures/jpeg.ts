import { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import type { PicturePage } from "./picture-pdf.ts";

/** Segments that are looked at before the first scan, at most. */
const segmentLimit = 1000;

/** What a JPEG's segments say before its data begin (ITU-T T.81, B.2; EXIF 2.3, 4.6.4). */
export interface JpegHeader {
  width: number;
  height: number;
  components: number;
  /** Code of the frame's marker, which tells how the data are coded (ITU-T T.81, table B.1). */
  frame: number;
  /** Bits a sample. */
  precision: number;
  /** EXIF orientation, 1-8. */
  orientation: number;
  /** Written by Adobe's library, whose CMYK is stored inverted. */
  adobe: boolean;
}

/**
 * A JPEG file as a page.
 * @throws {DocketError} `Corrupt` when it has no frame header
 */
export function jpegPage(source: SyncByteSource, name: string): PicturePage {
  const header = readJpegHeader(source, name);
  const data = [{ source, offset: 0, length: source.size }];
  const { width, height, orientation } = header;
  return { width, height, orientation, parts: [{ width, height, x: 0, y: 0, coding: jpegCoding(header), data }] };
}

/** Image dictionary entries for JPEG data. */
export function jpegCoding({ components, adobe }: Pick<JpegHeader, "components" | "adobe">): string {
  const space = components === 1 ? "/DeviceGray" : components === 4 ? "/DeviceCMYK" : "/DeviceRGB";
  const inverted = components === 4 && adobe ? "/Decode[1 0 1 0 1 0 1 0]" : "";
  return `/ColorSpace${space}/BitsPerComponent 8/Filter/DCTDecode${inverted}`;
}

/** @throws {DocketError} `Corrupt` when there is no frame header */
export function readJpegHeader(source: SyncByteSource, name: string): JpegHeader {
  const header = { orientation: 1, adobe: false };
  let offset = 2;
  for (let segment = 0; segment < segmentLimit && offset + 4 <= source.size; segment++) {
    const start = bytes(source, offset, 4);
    const code = start.readUInt8(1);
    if (start.readUInt8(0) !== 0xff || code === 0xd9 || code === 0xda) break;
    // Fill bytes before a marker, and markers that stand alone.
    if (code === 0xff || code === 0x01 || (code >= 0xd0 && code <= 0xd7)) {
      offset += code === 0xff ? 1 : 2;
      continue;
    }
    const length = start.readUInt16BE(2);
    const payload = bytes(source, offset + 4, Math.min(Math.max(0, length - 2), 4096));
    if (isFrameHeader(code) && payload.length >= 6) {
      const [height, width] = [payload.readUInt16BE(1), payload.readUInt16BE(3)];
      if (width === 0 || height === 0) break;
      const [precision, components] = [payload.readUInt8(0), payload.readUInt8(5)];
      return { ...header, width, height, components, frame: code, precision };
    }
    if (code === 0xe1) header.orientation = exifOrientation(payload) ?? header.orientation;
    if (code === 0xee && payload.toString("latin1", 0, 5) === "Adobe") header.adobe = true;
    offset += 2 + Math.max(2, length);
  }
  throw new DocketError("Corrupt", `${name} is a JPEG that does not say how large it is.`);
}

/** In what a JPEG's coding is one that pdfium does not know, and draws black; undefined: it knows it. */
export function unknownJpeg(source: SyncByteSource): string | undefined {
  let header: JpegHeader;
  try {
    header = readJpegHeader(source, "The image");
  } catch {
    return undefined;
  }
  const { frame, precision } = header;
  // Baseline, extended sequential and progressive, all with Huffman's codes.
  if (frame > 0xc2) return frame === 0xc3 ? "of lossless coding" : frame > 0xc8 ? "of arithmetic coding" : "in layers";
  return precision === 8 ? undefined : `of ${precision} bits a sample`;
}

/** SOF0 to SOF15, less the three codes of that range that mean something else (DHT, JPG, DAC). */
function isFrameHeader(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

function exifOrientation(payload: Buffer): number | undefined {
  if (payload.toString("latin1", 0, 6) !== "Exif\0\0" || payload.length < 16) return undefined;
  const tiff = payload.subarray(6);
  const little = tiff.toString("latin1", 0, 2) === "II";
  const short = (at: number) => (at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  const count = Math.min(short(directory), 100);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + i * 12;
    if (short(entry) === 0x0112) return short(entry + 8);
  }
  return undefined;
}

function bytes(source: SyncByteSource, offset: number, length: number): Buffer {
  const buffer = Buffer.alloc(Math.max(0, Math.min(length, source.size - offset)));
  source.read(offset, buffer);
  return buffer;
}
