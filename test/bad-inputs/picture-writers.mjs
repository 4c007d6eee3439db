import { crc32 } from "node:zlib";
import { deflateRepeated } from "./bombs.mjs";

// PNG, TIFF and JPEG parts, written as they are given.

const pngSignature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** One chunk of a PNG. `length` overrides what the chunk says of its size. */
export function pngChunk(type, data = Buffer.alloc(0), length = data.length) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** The header chunk of a PNG: colour 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
export function pngHeader({ width, height, bitDepth = 8, colour = 0, interlaced = 0 }) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colour, 0, 0, interlaced], 8);
  return pngChunk("IHDR", header);
}

/** A PNG of these chunks. */
export function png(...chunks) {
  return Buffer.concat([pngSignature, ...chunks]);
}

/** A whole PNG whose rows are all the same byte. */
export function plainPng(fields, rowBytes, value = 0xff) {
  const row = Buffer.alloc(rowBytes + 1, value);
  row[0] = 0;
  return png(pngHeader(fields), pngChunk("IDAT", deflateRepeated(row, fields.height)), pngChunk("IEND"));
}

/**
 * A TIFF, little-endian. Each directory has tags as lists of numbers, and `strips` that are added as tags 273 and 279.
 * @param {{ tags: Record<number, number[]>, strips?: Buffer[] }[]} directories
 * @param {{ last?: (starts: number[]) => number }} [options] `last`: where the last directory's link leads
 */
export function tiff(directories, { last = () => 0 } = {}) {
  const parts = [Buffer.from("II*\0\0\0\0\0", "latin1")];
  let size = 8;
  const put = (bytes) => {
    const at = size;
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
    parts.push(padded);
    size += padded.length;
    return at;
  };
  let link = { buffer: parts[0], at: 4 };
  const starts = [];
  for (const { tags, strips = [] } of directories) {
    const offsets = strips.map((strip) => put(strip));
    const stripTags = strips.length === 0 ? {} : { 273: offsets, 279: strips.map((strip) => strip.length) };
    const entries = Object.entries({ ...stripTags, ...tags }).sort(([a], [b]) => Number(a) - Number(b));
    const directory = Buffer.alloc(2 + entries.length * 12 + 4);
    directory.writeUInt16LE(entries.length, 0);
    for (const [i, [tag, values]] of entries.entries()) {
      const at = 2 + i * 12;
      const data = Buffer.alloc(values.length * 4);
      for (const [k, value] of values.entries()) data.writeUInt32LE(value >>> 0, k * 4);
      directory.writeUInt16LE(Number(tag), at);
      directory.writeUInt16LE(4, at + 2);
      directory.writeUInt32LE(values.length, at + 4);
      if (data.length > 4) directory.writeUInt32LE(put(data), at + 8);
      else data.copy(directory, at + 8);
    }
    const start = put(directory);
    starts.push(start);
    link.buffer.writeUInt32LE(start, link.at);
    link = { buffer: parts[parts.length - 1], at: directory.length - 4 };
  }
  link.buffer.writeUInt32LE(last(starts), link.at);
  return Buffer.concat(parts);
}

/** The tags of a picture of 1 bit a pixel, white is 1, in one strip. */
export function bilevelTags(width, height, compression = 1) {
  return { 256: [width], 257: [height], 258: [1], 259: [compression], 262: [1], 277: [1], 278: [height] };
}

/** A small white picture of 64 x 64 pixels. */
export const whitePicture = () => ({ tags: bilevelTags(64, 64), strips: [Buffer.alloc(512, 0xff)] });

/** A copy of a JPEG whose frame header says something else. */
export function withJpegFrame(jpeg, change) {
  const copy = Buffer.from(jpeg);
  for (let at = 2; at + 9 < copy.length; at += 2 + copy.readUInt16BE(at + 2)) {
    const code = copy[at + 1];
    if (code < 0xc0 || code > 0xc2) continue;
    change(copy, at);
    return copy;
  }
  throw new Error("the JPEG has no frame header");
}
