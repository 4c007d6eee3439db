import { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import type { FileSegment } from "./segmented-source.ts";

/** Chunks that are looked at, at most; writers make them of 8 KiB or more. */
const chunkLimit = 200_000;

/** Colour types of PNG (ISO/IEC 15948, 11.2.2). */
export const pngColour = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgbAlpha: 6 } as const;

/** Samples of a pixel by colour type. */
export const pngChannels: Record<number, number> = {
  [pngColour.grey]: 1,
  [pngColour.rgb]: 3,
  [pngColour.palette]: 1,
  [pngColour.greyAlpha]: 2,
  [pngColour.rgbAlpha]: 4,
};

export function bitsPerPixel({ bitDepth, colourType }: PngHeader): number {
  return bitDepth * (pngChannels[colourType] ?? 1);
}

/** What a PNG says of itself, and where its data are. */
export interface PngHeader {
  width: number;
  height: number;
  bitDepth: number;
  colourType: number;
  interlaced: boolean;
  /** RGB triples, as they look on white paper. */
  palette: Uint8Array;
  /** Samples of the one colour that is transparent in a picture without palette, at its full depth. */
  transparent: number[] | undefined;
  /** One zlib stream in pieces. */
  data: FileSegment[];
  /** Whether its last chunk is there. */
  ended: boolean;
}

/** @throws {DocketError} `Corrupt` */
export function readPngHeader(source: SyncByteSource, name: string): PngHeader {
  const corrupt = (what: string) => new DocketError("Corrupt", `${name} is a PNG ${what}.`);
  let header: PngHeader | undefined;
  let transparency: Buffer = Buffer.alloc(0);
  let offset = 8;
  for (let chunk = 0; chunk < chunkLimit && offset + 8 <= source.size; chunk++) {
    const start = Buffer.alloc(8);
    source.read(offset, start);
    const type = start.toString("latin1", 4, 8);
    // A file that was cut off keeps what is there of its last chunk.
    const length = Math.min(start.readUInt32BE(0), source.size - offset - 8);
    if (type === "IHDR" && length >= 13) {
      const fields = Buffer.alloc(13);
      source.read(offset + 8, fields);
      const [width, height] = [fields.readUInt32BE(0), fields.readUInt32BE(4)];
      const [bitDepth, colourType] = [fields.readUInt8(8), fields.readUInt8(9)];
      const interlaced = fields.readUInt8(12) === 1;
      header = {
        ...{ width, height, bitDepth, colourType, interlaced },
        ...{ palette: new Uint8Array(3), transparent: undefined, data: [], ended: false },
      };
    }
    if (header === undefined) throw corrupt("that does not begin with its header");
    if (type === "PLTE" && length >= 3) {
      header.palette = Buffer.alloc(Math.min(768, length - (length % 3)));
      source.read(offset + 8, header.palette);
    }
    if (type === "tRNS") {
      transparency = Buffer.alloc(Math.min(256, length));
      source.read(offset + 8, transparency);
    }
    if (type === "IDAT") header.data.push({ source, offset: offset + 8, length });
    if (type === "IEND") {
      header.ended = true;
      break;
    }
    offset += 12 + length;
  }
  if (header === undefined || header.width === 0 || header.height === 0) throw corrupt("without a size");
  if (header.data.length === 0) throw corrupt("without picture data");
  if (![1, 2, 4, 8, 16].includes(header.bitDepth) || ![0, 2, 3, 4, 6].includes(header.colourType)) {
    throw corrupt("of an unknown kind");
  }
  if (header.colourType === pngColour.palette) putOnWhite(header.palette, transparency);
  else header.transparent = transparentColour(header, transparency);
  return header;
}

/** Transparency of a palette's entries, one byte each; entries without one are opaque (ISO/IEC 15948, 11.3.2.1). */
function putOnWhite(palette: Uint8Array, transparency: Uint8Array): void {
  for (const [entry, alpha] of transparency.entries()) {
    for (let at = entry * 3; at < Math.min(palette.length, entry * 3 + 3); at++) {
      palette[at] = 255 - ((255 - (palette[at] as number)) * alpha) / 255;
    }
  }
}

function transparentColour({ colourType }: PngHeader, transparency: Buffer): number[] | undefined {
  const samples = colourType === pngColour.grey ? 1 : colourType === pngColour.rgb ? 3 : 0;
  if (samples === 0 || transparency.length < samples * 2) return undefined;
  return Array.from({ length: samples }, (_, i) => transparency.readUInt16BE(i * 2));
}
