import type { GreyPicture } from "./picture-analysis.ts";

/**
 * A grey picture whose pixels lie in a TIFF file, so that handing it to Tesseract copies nothing. Leptonica takes the
 * rows of a TIFF whole, but a PGM byte by byte: 0.03 s a page at 300 DPI instead of 0.13.
 */
export interface PictureFile extends GreyPicture {
  /** Baseline TIFF, 8 bits, uncompressed. */
  file: Uint8Array;
}

/** Rows that a reader takes at once; a strip is its buffer. */
const rowsPerStrip = 64;
// TIFF 6.0, section 2.
const short = 3;
const long = 4;
const [headerBytes, entryBytes] = [8, 12];

/** A black picture, pixels. */
export function createPictureFile({ width, height }: { width: number; height: number }): PictureFile {
  const strips = Math.ceil(height / rowsPerStrip);
  const entries = 9;
  const offsetsAt = headerBytes + 2 + entries * entryBytes + 4;
  const countsAt = offsetsAt + strips * 4;
  const pixelsAt = countsAt + strips * 4;
  const file = new Uint8Array(pixelsAt + width * height);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x002a4949, true);
  view.setUint32(4, headerBytes, true);
  view.setUint16(headerBytes, entries, true);
  let at = headerBytes + 2;
  // Of one strip the table would be an address; the entry holds the value itself then.
  const table = (address: number) => (strips === 1 ? view.getUint32(address, true) : address);
  for (let strip = 0; strip < strips; strip++) {
    const row = strip * rowsPerStrip;
    view.setUint32(offsetsAt + strip * 4, pixelsAt + row * width, true);
    view.setUint32(countsAt + strip * 4, Math.min(rowsPerStrip, height - row) * width, true);
  }
  const directory: [tag: number, type: number, count: number, value: number][] = [
    [256, long, 1, width],
    [257, long, 1, height],
    // Bits a sample; no compression; zero is black.
    [258, short, 1, 8],
    [259, short, 1, 1],
    [262, short, 1, 1],
    [273, long, strips, table(offsetsAt)],
    [277, short, 1, 1],
    [278, long, 1, rowsPerStrip],
    [279, long, strips, table(countsAt)],
  ];
  for (const [tag, type, count, value] of directory) {
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, count, true);
    view.setUint32(at + 8, value, true);
    at += entryBytes;
  }
  return { width, height, grey: file.subarray(pixelsAt), file };
}
