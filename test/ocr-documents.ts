import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { PDFDocument, type PDFFont, type PDFPage, StandardFonts } from "pdf-lib";
import { loadOcrSettings, type OcrLimits } from "#docket/config";
import type { RecognizedPage } from "#docket/contract/page";
import { openDocument, type SyncByteSource } from "#docket/media/pdfium";
import { type RecognizeOptions, recognizeDocument } from "#docket/ocr/recognize-document";

// Documents that are made in the tests of the recogniser, and its run with the usual limits.

/** A grey picture, one byte a pixel. */
export interface Picture {
  width: number;
  height: number;
  grey: Uint8Array;
}

export const usualLimits: OcrLimits = loadOcrSettings({});

/** Words that a page can be filled with. */
export const prose = [
  "The harbour master closed the northern gate at noon",
  "because the tide had carried timber across the channel.",
  "Two pilots waited on the quay with lanterns and rope,",
  "and the clerk wrote their names in the morning ledger.",
  "Nobody could say when the ferry would return, but the",
  "baker sold bread to everyone who stood in the square.",
  "By evening the water was calm and the road was open.",
];

/** Recognises a file and gathers its pages. */
export async function recognize(
  file: string,
  limits: Partial<OcrLimits> = {},
  options: Partial<Omit<RecognizeOptions, "file" | "limits">> = {},
) {
  const read: RecognizedPage[] = [];
  const result = await recognizeDocument({
    file,
    limits: { ...usualLimits, ...limits },
    onPage: (page) => void read.push(page),
    ...options,
  });
  return { ...result, read };
}

/** Writes a PDF that `draw` fills. */
export async function writePdf(
  folder: string,
  name: string,
  draw: (pdf: PDFDocument, font: PDFFont) => Promise<void> | void,
): Promise<string> {
  const pdf = await PDFDocument.create();
  await draw(pdf, await pdf.embedFont(StandardFonts.TimesRoman));
  const file = join(folder, name);
  await writeFile(file, await pdf.save());
  return file;
}

/** A sheet with the prose, or other lines, in 12 points from one inch below its top. */
export function drawProse(page: PDFPage, font: PDFFont, lines: readonly string[] = prose): void {
  for (const [i, line] of lines.entries()) {
    page.drawText(line, { x: 72, y: page.getHeight() - 84 - i * 20, size: 12, font });
  }
}

/** Renders the first page of a PDF. */
export async function renderFirstPage(pdf: Uint8Array, dpi: number): Promise<Picture> {
  const source: SyncByteSource = {
    size: pdf.length,
    read: (offset, into) => into.set(pdf.subarray(offset, offset + into.length)),
  };
  const document = await openDocument(source);
  const size = document.pageSize(1) ?? { width: 1, height: 1 };
  const [width, height] = [Math.round((size.width * dpi) / 72), Math.round((size.height * dpi) / 72)];
  const grey = document.withPage(1, (page) => document.renderGrey(page, width, height));
  document.close();
  return { width, height, grey };
}

/** A letter sheet with lines of text as a picture. */
export async function pictureOfProse(dpi: number, lines: readonly string[] = prose): Promise<Picture> {
  const pdf = await PDFDocument.create();
  drawProse(pdf.addPage([612, 792]), await pdf.embedFont(StandardFonts.TimesRoman), lines);
  return renderFirstPage(await pdf.save(), dpi);
}

/** Adds a page that is nothing but a picture, as a scanner makes it. */
export async function addScan(pdf: PDFDocument, picture: Picture): Promise<PDFPage> {
  const page = pdf.addPage([612, (612 * picture.height) / picture.width]);
  page.drawImage(await pdf.embedPng(encodePng(picture)), { x: 0, y: 0, width: 612, height: page.getHeight() });
  return page;
}

/** Turns a picture clockwise by quarters. */
export function turnQuarters(picture: Picture, quarters: number): Picture {
  let turned = picture;
  for (let quarter = 0; quarter < quarters; quarter++) {
    const { width, height, grey } = turned;
    const next = new Uint8Array(grey.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) next[x * height + (height - 1 - y)] = grey[y * width + x] as number;
    }
    turned = { width: height, height: width, grey: next };
  }
  return turned;
}

/** Turns a picture clockwise by some degrees around its middle; the nearest pixel is taken. */
export function skew({ width, height, grey }: Picture, degrees: number): Picture {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const turned = new Uint8Array(grey.length).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const [fromX, fromY] = [
        Math.round(cos * dx + sin * dy + width / 2),
        Math.round(cos * dy - sin * dx + height / 2),
      ];
      if (fromX >= 0 && fromX < width && fromY >= 0 && fromY < height) {
        turned[y * width + x] = grey[fromY * width + fromX] as number;
      }
    }
  }
  return { width, height, grey: turned };
}

/** Every pixel through a function, in a new picture. */
export function mapPixels(picture: Picture, change: (value: number, x: number, y: number) => number): Picture {
  const { width } = picture;
  const grey = picture.grey.map((value, i) =>
    Math.min(255, Math.max(0, change(value, i % width, Math.floor(i / width)))),
  );
  return { ...picture, grey };
}

/** Normally distributed noise, the same in every run. */
export function createNoise(seed = 1): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 4294967297;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** A PNG of rows that are given as bytes, each with its filter byte. */
export function wrapPng(
  { width, height, bitDepth, colour, interlaced }: PngFields,
  rows: Uint8Array,
  palette?: Uint8Array,
  transparency?: Uint8Array,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colour, 0, 0, interlaced ? 1 : 0], 8);
  const data = deflateSync(rows);
  // Two data chunks, as large files have many.
  const half = data.length >> 1;
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    ...(palette === undefined ? [] : [chunk("PLTE", palette)]),
    ...(transparency === undefined ? [] : [chunk("tRNS", transparency)]),
    chunk("IDAT", data.subarray(0, half)),
    chunk("IDAT", data.subarray(half)),
    chunk("IEND", new Uint8Array()),
  ]);
}

interface PngFields {
  width: number;
  height: number;
  bitDepth: number;
  colour: number;
  interlaced?: boolean;
}

/** A grey PNG, 8 bits. */
export function encodePng({ width, height, grey }: Picture): Buffer {
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(grey.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return wrapPng({ width, height, bitDepth: 8, colour: 0 }, rows);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** One picture of a TIFF: its tags as numbers, and its strips. */
export interface TiffPicture {
  tags: Record<number, number[]>;
  strips: Uint8Array[];
}

/** A TIFF of several pictures. Tags 273 and 279 (where the strips are) are added; values are LONG, or SHORT up to 65535. */
export function encodeTiff(pictures: readonly TiffPicture[], little = true): Buffer {
  const parts: Buffer[] = [Buffer.from(little ? "II*\0\0\0\0\0" : "MM\0*\0\0\0\0", "latin1")];
  let size = 8;
  let link = { part: 0, at: 4 };
  const put = (bytes: Buffer) => {
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
    parts.push(padded);
    size += padded.length;
    return size - padded.length;
  };
  const long = (buffer: Buffer, value: number, at: number) =>
    little ? buffer.writeUInt32LE(value, at) : buffer.writeUInt32BE(value, at);
  const short = (buffer: Buffer, value: number, at: number) =>
    little ? buffer.writeUInt16LE(value, at) : buffer.writeUInt16BE(value, at);
  for (const { tags, strips } of pictures) {
    const offsets = strips.map((strip) => put(Buffer.from(strip)));
    const entries = Object.entries({ ...tags, 273: offsets, 279: strips.map((strip) => strip.length) })
      .map(([tag, values]) => ({ tag: Number(tag), values }))
      .sort((a, b) => a.tag - b.tag);
    const directory = Buffer.alloc(2 + entries.length * 12 + 4);
    short(directory, entries.length, 0);
    for (const [i, { tag, values }] of entries.entries()) {
      const at = 2 + i * 12;
      const wide = tag === 273 || tag === 279 || values.some((value) => value > 65_535);
      const data = Buffer.alloc(Math.max(4, values.length * (wide ? 4 : 2)));
      for (const [k, value] of values.entries()) (wide ? long : short)(data, value, k * (wide ? 4 : 2));
      short(directory, tag, at);
      short(directory, wide ? 4 : 3, at + 2);
      long(directory, values.length, at + 4);
      if (data.length > 4) long(directory, put(data), at + 8);
      else data.copy(directory, at + 8);
    }
    const start = put(directory);
    long(parts[link.part] as Buffer, start, link.at);
    link = { part: parts.length - 1, at: directory.length - 4 };
  }
  return Buffer.concat(parts);
}
