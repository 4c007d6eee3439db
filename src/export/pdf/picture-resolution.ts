import type { MediaType } from "../../media/media-type.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import { readTiffDirectories, type TiffDirectory } from "../../ocr/pictures/tiff-directory.ts";

/** Dots an inch, across and down a picture as it is stored. */
export interface Resolution {
  x: number;
  y: number;
}

/** For a picture that does not say, or says nonsense: a sheet of paper at this resolution is what most of them are. */
export const usualResolution: Resolution = { x: 200, y: 200 };
const [least, most] = [30, 4800];
const centimetersOfInch = 2.54;
const searchedBytes = 64 * 1024;

// TIFF 6.0, section 8: XResolution, YResolution, ResolutionUnit (2: inch, 3: centimetre).
const tiffTags = { x: 282, y: 283, unit: 296 };

/** The resolution of each picture of a file, which makes the size of its page. */
export function pictureResolutions(mediaType: MediaType, source: SyncByteSource, name: string): Resolution[] {
  if (mediaType === "image/tiff") return readTiffDirectories(source, name).map(tiffResolution);
  const start = Buffer.alloc(Math.min(searchedBytes, source.size));
  source.read(0, start);
  return [mediaType === "image/png" ? pngResolution(start) : jpegResolution(start)];
}

function tiffResolution(directory: TiffDirectory): Resolution {
  const unit = directory.number(tiffTags.unit) ?? 2;
  const value = (tag: number) => {
    const bytes = directory.data(tag);
    if (bytes === undefined || bytes.length < 8) return 0;
    const long = (at: number) => (directory.littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
    return long(0) / long(4);
  };
  return sensible(value(tiffTags.x), value(tiffTags.y), unit === 3 ? centimetersOfInch : unit === 2 ? 1 : 0);
}

/** The chunk pHYs, which counts pixels of a metre (ISO/IEC 15948, 11.3.5.3). */
function pngResolution(start: Buffer): Resolution {
  const at = start.indexOf("pHYs", 0, "latin1");
  if (at < 0 || at + 13 > start.length || start[at + 12] !== 1) return usualResolution;
  return sensible(start.readUInt32BE(at + 4), start.readUInt32BE(at + 8), 0.0254);
}

/** JFIF's own segment, which comes first (ITU-T T.871, 10.1). */
function jpegResolution(start: Buffer): Resolution {
  if (start.toString("latin1", 6, 11) !== "JFIF\0" || start.length < 18) return usualResolution;
  const unit = start.readUInt8(13);
  const perInch = unit === 1 ? 1 : unit === 2 ? centimetersOfInch : 0;
  return sensible(start.readUInt16BE(14), start.readUInt16BE(16), perInch);
}

function sensible(x: number, y: number, perInch: number): Resolution {
  const found = { x: x * perInch, y: y * perInch };
  return [found.x, found.y].every((value) => value >= least && value <= most) ? found : usualResolution;
}
