import { DocketError } from "../../contract/failures.ts";
import type { AddStream, PicturePart } from "./picture-pdf.ts";
import type { Segment } from "./segmented-source.ts";
import { type TiffDirectory, tag } from "./tiff-directory.ts";

export const tiffCompression = {
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

/** Where colours are stored apart, green alone is a good grey; undefined: they are not. */
export function onePlane(directory: TiffDirectory): number | undefined {
  const samples = directory.number(tag.samplesPerPixel) ?? 1;
  if (samples === 1 || directory.number(tag.planar) !== 2) return undefined;
  if (directory.number(tag.photometric) === photometric.rgb) return 1;
  if (directory.number(tag.photometric) === photometric.blackIsZero) return 0;
  throw unsupported("its colours are stored apart");
}

export interface Coding {
  /** Bytes that a part needs; Infinity where it is compressed, for then only its data themselves tell. */
  uncompressedBytes(columns: number, rows: number): number;
  /** Entries of the image dictionary for a part of this size. */
  coding(columns: number, rows: number): PicturePart["coding"];
  /** A part's data as the PDF holds them. */
  data(range: Extract<Segment, { source: unknown }>): Segment[];
}

/** How a picture's parts are coded, in a PDF's terms. */
export function codingOf(directory: TiffDirectory, coded: number): Coding {
  const apart = onePlane(directory) !== undefined;
  const samples = apart ? 1 : (directory.number(tag.samplesPerPixel) ?? 1);
  const bits = directory.number(tag.bitsPerSample) ?? 1;
  const meaning = apart ? photometric.blackIsZero : (directory.number(tag.photometric) ?? photometric.whiteIsZero);
  const reversed = directory.number(tag.fillOrder) === 2;
  if (![1, 2, 4, 8, 16].includes(bits)) throw unsupported(`it has ${bits} bits a sample`);

  if (coded === tiffCompression.ccittRle || coded === tiffCompression.ccitt3 || coded === tiffCompression.ccitt4) {
    return {
      uncompressedBytes: () => Infinity,
      coding: (columns, rows) =>
        `/ColorSpace/DeviceGray/BitsPerComponent 1${ccitt(directory, coded, meaning, columns, rows)}`,
      data: (range) => [reversed ? { ...range, transform: "reverse-bits" } : range],
    };
  }
  if (coded === tiffCompression.jpeg) return jpegCoding(directory, samples, meaning);

  const space = colourSpace(directory, samples, meaning);
  const predictor = directory.number(tag.predictor) ?? 1;
  if (predictor > 2) throw unsupported("its samples are floating-point numbers");
  const filter = filterOf(coded);
  const little16 = bits === 16 && directory.littleEndian;
  if (little16 && coded !== tiffCompression.none)
    throw unsupported("it has compressed 16-bit samples in reverse order");
  return {
    uncompressedBytes: (columns, rows) =>
      coded === tiffCompression.none ? Math.ceil((columns * samples * bits) / 8) * rows : Infinity,
    coding: (columns) => (addStream) => {
      const entries = typeof space === "string" ? space : space(addStream);
      const prediction = `<</Predictor 2/Colors ${samples}/BitsPerComponent ${bits}/Columns ${columns}>>`;
      const predicted = predictor === 2 && filter !== "" && coded !== tiffCompression.packBits;
      return `${entries}/BitsPerComponent ${bits}${filter}${predicted ? `/DecodeParms${prediction}` : ""}`;
    },
    data: (range) => {
      if (coded !== tiffCompression.none) return [range];
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
    case tiffCompression.none:
      return "";
    case tiffCompression.lzw:
      return "/Filter/LZWDecode";
    case tiffCompression.deflate:
    case tiffCompression.oldDeflate:
      return "/Filter/FlateDecode";
    case tiffCompression.packBits:
      return "/Filter/RunLengthDecode";
    default:
      throw unsupported(`its compression (${coded}) is not known here`);
  }
}

function ccitt(directory: TiffDirectory, coded: number, meaning: number, columns: number, rows: number): string {
  const options = directory.number(tag.t4Options) ?? 0;
  const k = coded === tiffCompression.ccitt4 ? -1 : coded === tiffCompression.ccitt3 && options & 1 ? 1 : 0;
  const aligned = coded === tiffCompression.ccittRle || (coded === tiffCompression.ccitt3 && (options & 4) !== 0);
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
    uncompressedBytes: () => Infinity,
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
