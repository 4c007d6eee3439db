import { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import type { AddStream, PicturePage, PicturePart } from "./picture-pdf.ts";
import type { Segment } from "./segmented-source.ts";
import { readTiffDirectories, type TiffDirectory } from "./tiff-directory.ts";

// Tags: TIFF 6.0, appendix A; JPEG tables: TIFF technical note 2.
const tag = {
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

const compression = {
  none: 1,
  ccittRle: 2,
  ccitt3: 3,
  ccitt4: 4,
  lzw: 5,
  oldJpeg: 6,
  jpeg: 7,
  deflate: 8,
  oldDeflate: 32946,
  packBits: 32773,
} as const;

const photometric = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5, yCbCr: 6 } as const;

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
    const [width, height] = [directory.number(tag.width) ?? 0, directory.number(tag.height) ?? 0];
    try {
      if (width === 0 || height === 0) throw new DocketError("Corrupt", "it does not say how large it is");
      return tiffPage(directory, source, width, height);
    } catch (error) {
      if (!(error instanceof DocketError)) throw error;
      const reason = new DocketError(error.type, `${name}: picture ${index + 1} cannot be read: ${error.message}.`);
      return { width: width || 1, height: height || 1, reason };
    }
  });
}

function tiffPage(directory: TiffDirectory, source: SyncByteSource, width: number, height: number): PicturePage {
  const orientation = directory.number(tag.orientation) ?? 1;
  const coded = directory.number(tag.compression) ?? compression.none;
  const oldJpeg = directory.number(tag.jpegOffset);
  if (coded === compression.oldJpeg && oldJpeg !== undefined) {
    const data = [{ source, offset: oldJpeg, length: directory.number(tag.jpegLength) ?? source.size - oldJpeg }];
    const coding = "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode";
    return { width, height, orientation, parts: [{ width, height, x: 0, y: 0, coding, data }] };
  }
  const picture = describe(directory, coded);
  const tileWidth = directory.number(tag.tileWidth);
  const partWidth = tileWidth ?? width;
  const partHeight =
    tileWidth === undefined
      ? (directory.number(tag.rowsPerStrip) ?? height)
      : (directory.number(tag.tileHeight) ?? height);
  const offsets = directory.numbers(tileWidth === undefined ? tag.stripOffsets : tag.tileOffsets);
  const lengths = directory.numbers(tileWidth === undefined ? tag.stripByteCounts : tag.tileByteCounts);
  const across = Math.ceil(width / partWidth);
  if (partWidth === 0 || partHeight === 0 || offsets.length === 0) throw new DocketError("Corrupt", "it has no data");
  if (offsets.length > partLimit) throw new DocketError("Corrupt", `it has ${offsets.length} strips`);
  const parts: PicturePart[] = [];
  for (const [i, offset] of offsets.entries()) {
    const [x, y] = [(i % across) * partWidth, Math.floor(i / across) * partHeight];
    // A tile at the edge is whole; a last strip ends with the picture.
    const rows = tileWidth === undefined ? Math.min(partHeight, height - y) : partHeight;
    if (y >= height) break;
    const length = Math.min(lengths[i] ?? source.size - offset, Math.max(0, source.size - offset));
    const data = picture.data({ source, offset, length });
    parts.push({ width: partWidth, height: rows, x, y, coding: picture.coding(partWidth, rows), data });
  }
  return { width, height, orientation, parts };
}

interface Coding {
  /** Entries of the image dictionary for a part of this size. */
  coding(columns: number, rows: number): PicturePart["coding"];
  /** A part's data as the PDF holds them. */
  data(range: Extract<Segment, { source: unknown }>): Segment[];
}

function describe(directory: TiffDirectory, coded: number): Coding {
  const samples = directory.number(tag.samplesPerPixel) ?? 1;
  const bits = directory.number(tag.bitsPerSample) ?? 1;
  const meaning = directory.number(tag.photometric) ?? photometric.whiteIsZero;
  const reversed = directory.number(tag.fillOrder) === 2;
  if (samples > 1 && directory.number(tag.planar) === 2) throw unsupported("its colours are stored apart");
  if (![1, 2, 4, 8, 16].includes(bits)) throw unsupported(`it has ${bits} bits a sample`);

  if (coded === compression.ccittRle || coded === compression.ccitt3 || coded === compression.ccitt4) {
    return {
      coding: (columns, rows) =>
        `/ColorSpace/DeviceGray/BitsPerComponent 1${ccitt(directory, coded, meaning, columns, rows)}`,
      data: (range) => [reversed ? { ...range, transform: "reverse-bits" } : range],
    };
  }
  if (coded === compression.jpeg) return jpegCoding(directory, samples, meaning);

  const space = colourSpace(directory, samples, meaning);
  const predictor = directory.number(tag.predictor) ?? 1;
  if (predictor > 2) throw unsupported("its samples are floating-point numbers");
  const filter = filterOf(coded);
  const little16 = bits === 16 && directory.littleEndian;
  if (little16 && coded !== compression.none) throw unsupported("it has compressed 16-bit samples in reverse order");
  return {
    coding: (columns) => (addStream) => {
      const entries = typeof space === "string" ? space : space(addStream);
      const prediction = `<</Predictor 2/Colors ${samples}/BitsPerComponent ${bits}/Columns ${columns}>>`;
      const predicted = predictor === 2 && filter !== "" && coded !== compression.packBits;
      return `${entries}/BitsPerComponent ${bits}${filter}${predicted ? `/DecodeParms${prediction}` : ""}`;
    },
    data: (range) => {
      if (coded !== compression.none) return [range];
      return [
        little16
          ? { ...range, transform: "swap-pairs" }
          : reversed && bits === 1
            ? { ...range, transform: "reverse-bits" }
            : range,
      ];
    },
  };
}

function filterOf(coded: number): string {
  switch (coded) {
    case compression.none:
      return "";
    case compression.lzw:
      return "/Filter/LZWDecode";
    case compression.deflate:
    case compression.oldDeflate:
      return "/Filter/FlateDecode";
    case compression.packBits:
      return "/Filter/RunLengthDecode";
    default:
      throw unsupported(`its compression (${coded}) is not known here`);
  }
}

function ccitt(directory: TiffDirectory, coded: number, meaning: number, columns: number, rows: number): string {
  const options = directory.number(tag.t4Options) ?? 0;
  const k = coded === compression.ccitt4 ? -1 : coded === compression.ccitt3 && options & 1 ? 1 : 0;
  const aligned = coded === compression.ccittRle || (coded === compression.ccitt3 && (options & 4) !== 0);
  // CCITT data say black and white; a picture whose zero is black says it the other way round.
  const inverted = meaning === photometric.blackIsZero;
  const parameters = `/K ${k}/Columns ${columns}/Rows ${rows}/BlackIs1 ${inverted}/EncodedByteAlign ${aligned}`;
  return `/Filter/CCITTFaxDecode/DecodeParms<<${parameters}/EndOfBlock false>>`;
}

/** The colour space's entries, which may need a stream of their own. */
type ColourSpace = string | ((addStream: AddStream) => string);

function colourSpace(directory: TiffDirectory, samples: number, meaning: number): ColourSpace {
  const base = meaning === photometric.rgb ? 3 : meaning === photometric.cmyk ? 4 : 1;
  if (meaning === photometric.palette) {
    const map = directory.numbers(tag.colorMap);
    const size = map.length / 3;
    if (samples !== 1 || size < 1) throw unsupported("its palette is missing");
    const entries = Array.from({ length: size }, (_, i) => [map[i], map[i + size], map[i + 2 * size]]).flat();
    const hex = Buffer.from(entries.map((value) => (value ?? 0) >> 8)).toString("hex");
    return `/ColorSpace[/Indexed/DeviceRGB ${size - 1}<${hex}>]`;
  }
  const known: number[] = [photometric.whiteIsZero, photometric.blackIsZero, photometric.rgb, photometric.cmyk];
  if (!known.includes(meaning) || samples < base) throw unsupported(`its colour model (${meaning}) is not known here`);
  if (samples > base) {
    if (samples > base + 1 || base === 4 || meaning === photometric.whiteIsZero)
      throw unsupported("it has extra samples");
    return (addStream) => onWhite(directory, base, addStream);
  }
  const decode = meaning === photometric.whiteIsZero ? "/Decode[1 0]" : "";
  return `/ColorSpace${base === 3 ? "/DeviceRGB" : base === 4 ? "/DeviceCMYK" : "/DeviceGray"}${decode}`;
}

/** Grey or RGB with transparency: a colour space whose function puts it on white (ISO 32000-1, 8.6.6.5, 7.10.5). */
function onWhite(directory: TiffDirectory, base: number, addStream: AddStream): string {
  const alpha = directory.number(tag.extraSamples) ?? 0;
  const program = (base === 1 ? greyOnWhite : rgbOnWhite)[alpha] ?? "";
  const ranges = (count: number) => `[${"0 1 ".repeat(count)}]`;
  const entries = `/FunctionType 4/Domain${ranges(base + 1)}/Range${ranges(base)}`;
  const calculator = addStream(entries, Buffer.from(`{${program}}`, "latin1"));
  const names = base === 1 ? "/Grey/Alpha" : "/Red/Green/Blue/Alpha";
  return `/ColorSpace[/DeviceN[${names}]${base === 1 ? "/DeviceGray" : "/DeviceRGB"} ${calculator}]`;
}

// By the kind of the extra sample (TIFF 6.0, ExtraSamples): 0 something else, 1 alpha that the colours were multiplied
// by already, 2 alpha on its own. Over white a colour is colour * alpha + 1 - alpha.
const greyOnWhite: Record<number, string> = {
  0: "pop",
  1: "1 exch sub add",
  2: "dup 3 -1 roll mul exch 1 exch sub add",
};
const rgbOnWhite: Record<number, string> = {
  0: "pop",
  1: "1 exch sub exch 1 index add 4 1 roll exch 1 index add 4 1 roll exch add 3 1 roll",
  2:
    "dup 1 exch sub 3 -1 roll 2 index mul 1 index add 5 1 roll 3 -1 roll 2 index mul 1 index add 5 1 roll " +
    "3 -1 roll 2 index mul 1 index add 3 1 roll pop pop 3 1 roll",
};

function jpegCoding(directory: TiffDirectory, samples: number, meaning: number): Coding {
  const space = samples === 1 ? "/DeviceGray" : samples === 4 ? "/DeviceCMYK" : "/DeviceRGB";
  const transform = samples === 3 && meaning === photometric.rgb ? "/DecodeParms<</ColorTransform 0>>" : "";
  const tables = directory.data(tag.jpegTables);
  return {
    coding: () => `/ColorSpace${space}/BitsPerComponent 8/Filter/DCTDecode${transform}`,
    // Strips leave out what they have in common: it goes between their start mark and their rest.
    data: (range) =>
      tables === undefined || tables.length < 4 || range.length < 2
        ? [range]
        : [
            { bytes: tables.subarray(0, tables.length - 2) },
            { ...range, offset: range.offset + 2, length: range.length - 2 },
          ],
  };
}

function unsupported(what: string): DocketError {
  return new DocketError("UnsupportedMedia", what);
}
