// @ts-check
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import encode, { init } from "@jsquash/jpeg/encode.js";
import { PDFContext } from "pdf-lib";
import { encodeG4 } from "./g4.mjs";

/** @import { BilevelImage } from "./g4.mjs" */
/** @import { ColorImage, GreyImage } from "./render.mjs" */

const wasm = await readFile(fileURLToPath(import.meta.resolve("@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm")));
await init(await WebAssembly.compile(wasm));

/**
 * A baseline JPEG, one component for a grey image, three for a colour one.
 * @param {GreyImage | ColorImage} image
 * @param {number} quality 0-100
 */
export async function encodeJpeg(image, quality) {
  const grey = "grey" in image;
  const data = new Uint8ClampedArray(image.width * image.height * 4);
  if (grey) {
    for (let i = 0; i < image.grey.length; i++) data.fill(/** @type {number} */ (image.grey[i]), i * 4, i * 4 + 3);
  } else {
    data.set(image.rgba);
  }
  const pixels = /** @type {any} */ ({ data, width: image.width, height: image.height });
  const options = { quality, baseline: true, progressive: false, color_space: grey ? 1 : 3 };
  const jpeg = new Uint8Array(await encode(pixels, options));
  setJpegDensity(jpeg, image.dpi);
  return jpeg;
}

/** Writes the resolution into the JFIF header, which the encoder leaves at 72. @param {Uint8Array} jpeg @param {number} dpi */
function setJpegDensity(jpeg, dpi) {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset);
  if (view.getUint16(2) !== 0xffe0) throw new Error("the encoder wrote no JFIF header");
  view.setUint8(13, 1);
  view.setUint16(14, dpi);
  view.setUint16(16, dpi);
}

/**
 * A grey PNG of 4 bits a pixel (16 grey values).
 * @param {GreyImage} image
 */
export function encodePng(image) {
  const { width, height, dpi, grey } = image;
  const rowBytes = (width + 1) >> 1;
  const raw = new Uint8Array((rowBytes + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = Math.round(/** @type {number} */ (grey[y * width + x]) / 17);
      const at = y * (rowBytes + 1) + 1 + (x >> 1);
      raw[at] = /** @type {number} */ (raw[at]) | (x % 2 === 0 ? value << 4 : value);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([4, 0, 0, 0, 0], 8);
  const physical = Buffer.alloc(9);
  const perMetre = Math.round(dpi / 0.0254);
  physical.writeUInt32BE(perMetre, 0);
  physical.writeUInt32BE(perMetre, 4);
  physical[8] = 1;
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    pngChunk("IHDR", header),
    pngChunk("pHYs", physical),
    pngChunk("IDAT", deflate(raw)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** @param {string} name @param {Uint8Array} data */
function pngChunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/**
 * zlib's format by pdf-lib's compressor: JavaScript, so the bytes do not depend on the machine or on Node's version.
 * @param {Uint8Array} data
 */
function deflate(data) {
  return PDFContext.create().flateStream(data).getContents();
}

/**
 * A little-endian TIFF, one strip a page, Group 4.
 * @param {BilevelImage[]} images
 */
export function encodeTiff(images) {
  /** @type {Buffer[]} */
  const parts = [Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0])];
  let offset = 8;
  images.forEach((image, index) => {
    const data = encodeG4(image);
    const long = 4;
    const short = 3;
    const rational = 5;
    /** @type {[tag: number, type: number, value: number][]} */
    const entries = [
      [254, long, 2], // NewSubfileType: one page of several
      [256, long, image.width],
      [257, long, image.height],
      [258, short, 1], // BitsPerSample
      [259, short, 4], // Compression: Group 4
      [262, short, 0], // PhotometricInterpretation: 0 is white
      [266, short, 1], // FillOrder
      [273, long, 0], // StripOffsets, set below
      [277, short, 1], // SamplesPerPixel
      [278, long, image.height], // RowsPerStrip
      [279, long, data.length], // StripByteCounts
      [282, rational, 0], // XResolution, set below
      [283, rational, 0], // YResolution
      [296, short, 2], // ResolutionUnit: inch
      [297, short, index], // PageNumber
    ];
    const directoryBytes = 2 + entries.length * 12 + 4;
    const resolutionAt = offset + directoryBytes;
    const dataAt = resolutionAt + 8;
    const padding = data.length % 2;
    const next = index + 1 < images.length ? dataAt + data.length + padding : 0;
    const directory = Buffer.alloc(directoryBytes + 8);
    directory.writeUInt16LE(entries.length, 0);
    entries.forEach(([tag, type, value], i) => {
      const at = 2 + i * 12;
      directory.writeUInt16LE(tag, at);
      directory.writeUInt16LE(type, at + 2);
      directory.writeUInt32LE(1, at + 4);
      directory.writeUInt32LE(tag === 273 ? dataAt : type === rational ? resolutionAt : value, at + 8);
    });
    directory.writeUInt32LE(next, 2 + entries.length * 12);
    directory.writeUInt32LE(image.dpi, directoryBytes);
    directory.writeUInt32LE(1, directoryBytes + 4);
    parts.push(directory, Buffer.from(data), Buffer.alloc(padding));
    offset = dataAt + data.length + padding;
  });
  return Buffer.concat(parts);
}
