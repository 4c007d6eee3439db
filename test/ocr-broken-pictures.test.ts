import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, deflateSync } from "node:zlib";
import { PDFDocument, PDFName, type PDFPage, StandardFonts } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBrokenGroup4 } from "#docket/ocr/pictures/group4";
import { drawProse, encodePng, type Picture, pictureOfProse, prose, recognize } from "./ocr-documents.ts";

// A picture that cannot be decoded is drawn white or black. That must not count as a page that was read.

let folder: string;
let jpeg: Buffer;
let sheet: Picture;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-ocr-broken-"));
  jpeg = await readFile("samples/invoice.jpg");
  sheet = await pictureOfProse(100);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

/** Where the segment with one of these marker codes begins. */
function segment(...codes: number[]): number {
  for (let at = 2; at + 4 < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (codes.includes(jpeg[at + 1] ?? 0)) return at;
  }
  throw new Error("The sample has no such segment.");
}

function changedJpeg(change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(jpeg);
  change(copy);
  return copy;
}

const frame = () => segment(0xc0, 0xc1, 0xc2);
const arithmetic = () => changedJpeg((copy) => copy.writeUInt8(0xc9, frame() + 1));
/** The lengths of the codes of its first table say nothing that could be. */
const withoutCodes = () => changedJpeg((copy) => copy.fill(0xff, segment(0xc4) + 5, segment(0xc4) + 21));

type Entries = NonNullable<Parameters<PDFDocument["context"]["stream"]>[1]>;

/** Lays an image over a page, or over the given part of it. */
function addImage(page: PDFPage, data: Uint8Array, entries: Entries, height = 792): void {
  const { context } = page.doc;
  const size = { Width: 1700, Height: 2200, ColorSpace: "DeviceRGB", BitsPerComponent: 8 };
  const image = context.stream(data, { Type: "XObject", Subtype: "Image", ...size, ...entries });
  page.node.setXObject(PDFName.of("Scan"), context.register(image));
  const content = context.stream(`q 612 0 0 ${height} 0 0 cm /Scan Do Q`);
  page.node.addContentStream(context.register(content));
}

describe("a picture that cannot be decoded", () => {
  it("as a file is that page's failure, whose message says what it is", async () => {
    const of12Bits = changedJpeg((copy) => copy.writeUInt8(12, frame() + 4));
    const lossless = changedJpeg((copy) => copy.writeUInt8(0xc3, frame() + 1));
    const plain = encodePng(sheet);
    const third = Math.floor(plain.length / 3);
    const overwritten = Buffer.from(plain).fill(0xff, third, third + 64);
    const fax = await readFile("samples/deposition-300dpi.tiff");
    const smeared = Buffer.from(fax).fill(0x55, 4000, 7000);
    const unknown = { type: "UnsupportedMedia", remedy: expect.stringContaining("ordinary JPEG") };
    const broken: [string, Buffer, object][] = [
      ["arithmetic.jpg", arithmetic(), { ...unknown, message: expect.stringContaining("arithmetic coding") }],
      ["lossless.jpg", lossless, { ...unknown, message: expect.stringContaining("lossless coding") }],
      ["of-12-bits.jpg", of12Bits, { ...unknown, message: expect.stringContaining("12 bits a sample") }],
      ["without-codes.jpg", withoutCodes(), { type: "Corrupt", message: expect.stringContaining("cannot be decoded") }],
      ["overwritten.png", overwritten, { type: "Corrupt", message: expect.stringContaining("checksums") }],
      ["smeared.tiff", smeared, { type: "Corrupt", message: expect.stringContaining("CCITTFaxDecode") }],
    ];
    for (const [name, bytes, failure] of broken) {
      const { read, failures } = await recognize(await write(name, bytes), {}, { pages: [1] });
      expect(read, name).toEqual([]);
      expect(failures, name).toMatchObject([{ page: 1, failure }]);
      expect(failures[0]?.failure.message).toContain(name);
    }
  });

  it("fails its page of a PDF alone, with a stamp over it, and beside a text layer", async () => {
    const pdf = await PDFDocument.create();
    const font = await pdf.embedFont(StandardFonts.Helvetica);
    const noise = Buffer.alloc(1000, 7);
    const stamped = (data: Uint8Array, entries: Record<string, string | number>) => {
      const page = pdf.addPage([612, 792]);
      addImage(page, data, entries);
      page.drawText("DEF-000123", { x: 480, y: 20, size: 10, font });
    };
    stamped(arithmetic(), { Filter: "DCTDecode" });
    stamped(withoutCodes(), { Filter: "DCTDecode" });
    stamped(noise, { Filter: "JPXDecode" });
    stamped(noise, { Filter: "JBIG2Decode", BitsPerComponent: 1, ColorSpace: "DeviceGray" });
    const grey = { Filter: "FlateDecode", ColorSpace: "DeviceGray", Width: sheet.width, Height: sheet.height };
    const deflated = deflateSync(sheet.grey);
    stamped(deflated.subarray(0, deflated.length / 2), grey);
    // Data that are stored as they are have marks between them, one of which is overwritten here.
    stamped(deflateSync(sheet.grey, { level: 0 }).fill(0xff, 200_000, 270_000), grey);
    for (const filter of ["DCTDecode", "JPXDecode"]) {
      const page = pdf.addPage([612, 792]);
      drawProse(page, font);
      addImage(page, filter === "DCTDecode" ? arithmetic() : noise, { Filter: filter }, 300);
    }
    // Nobody needs the picture where the layer is what is read: it has all of the page's text.
    const covered = pdf.addPage([612, 792]);
    addImage(covered, jpeg, { Filter: "DCTDecode" });
    drawProse(covered, font);
    drawProse(pdf.addPage([612, 792]), font);

    const { read, failures } = await recognize(await write("production.pdf", await pdf.save()));
    expect(failures.map(({ page, failure }) => [page, failure.type])).toEqual([
      [1, "UnsupportedMedia"],
      [2, "Corrupt"],
      [3, "Corrupt"],
      [4, "Corrupt"],
      [5, "Corrupt"],
      [6, "Corrupt"],
      [7, "UnsupportedMedia"],
      [8, "Corrupt"],
    ]);
    expect(read.map(({ number }) => number)).toEqual([9, 10]);
    expect(read[1]?.text).toBe(prose.join("\n"));
  });

  it("is not taken for the white picture of an earlier page", async () => {
    const pdf = await PDFDocument.create();
    const font = await pdf.embedFont(StandardFonts.Helvetica);
    // As large as the broken one, so that both pages are drawn with as many pixels.
    const paper = { width: 1700, height: 2200, grey: new Uint8Array(1700 * 2200).fill(255) };
    const white = await pdf.embedPng(encodePng(paper));
    const first = pdf.addPage([612, 792]);
    drawProse(first, font);
    first.drawImage(white, { x: 0, y: 0, width: 612, height: 300 });
    const second = pdf.addPage([612, 792]);
    drawProse(second, font);
    addImage(second, Buffer.alloc(1000, 7), { Filter: "JPXDecode" }, 300);
    const { read, failures } = await recognize(await write("white.pdf", await pdf.save()));
    expect(read.map(({ number }) => number)).toEqual([1]);
    expect(failures.map(({ page, failure }) => [page, failure.type])).toEqual([[2, "Corrupt"]]);
  });
});

describe("a picture that can be decoded", () => {
  it("is read where its group 4 rows are longer than it is wide, but not where they are damaged", async () => {
    const tiff = await readFile("samples/deposition-300dpi.tiff");
    // Its first picture: one strip of 2550 x 3300 pixels.
    const strip = tiff.subarray(202, 202 + 22_388);
    const damaged = Buffer.from(strip).fill(0x55, 8000, 11_000);
    const pdf = await PDFDocument.create();
    for (const data of [strip, damaged]) {
      const fax = { Filter: "CCITTFaxDecode", DecodeParms: { K: -1, Columns: 2550 } };
      const size = { Width: 2500, Height: 3300, ColorSpace: "DeviceGray", BitsPerComponent: 1 };
      addImage(pdf.addPage([612, 792]), data, { ...fax, ...size });
    }
    const { read, failures } = await recognize(await write("longer-rows.pdf", await pdf.save()));
    expect(failures.map(({ page, failure }) => [page, failure.type])).toEqual([[2, "Corrupt"]]);
    expect(read.map(({ number }) => number)).toEqual([1]);
    expect(read[0]?.text.length).toBeGreaterThan(500);
  });

  it("is read where its group 4 rows have the 1728 pixels of a fax", () => {
    // A run is told by two codes: so many times 64 pixels, and the rest.
    const [w100, w128, w1528] = ["1101100010101", "1001000110101", "01001100001011001"];
    const [b100, b1500] = ["0000001111000011010100", "0000001010101000011001100"];
    // White rows; black from 100 to 200; then, in turn, to 1600 and to 200, the white behind it told by its length.
    const turns = Array.from({ length: 20 }, () => [`1001${b1500}${w128}`, `1001${b100}${w1528}`]);
    const rows = [...Array<string>(40).fill("1"), `001${w100}${b100}1`, ...turns.flat()];
    const damaged = rows.with(60, "0000000000");
    const bytes = (codes: string[]) =>
      Buffer.from((codes.join("").match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)));
    for (const width of [1728, 1700, 1400]) {
      expect(isBrokenGroup4(bytes(rows), width, rows.length), `${width} pixels`).toBe(false);
      expect(isBrokenGroup4(bytes(damaged), width, rows.length), `${width} pixels, damaged`).toBe(true);
    }
  });

  it("is read where its compressed data lack no more than their end, whatever bits its pixels have", async () => {
    const { width, height } = sheet;
    /** The sheet with so many bits a pixel. */
    const pixels = (bits: number) => {
      const row = Math.ceil((width * bits) / 8);
      const data = Buffer.alloc(row * height);
      for (const [i, value] of sheet.grey.entries()) {
        const at = Math.floor(i / width) * row * 8 + (i % width) * bits;
        if (bits === 16) data.fill(value, at / 8, at / 8 + 2);
        else data[at >> 3] = (data[at >> 3] as number) | ((value >> (8 - bits)) << (8 - bits - (at & 7)));
      }
      return data;
    };
    const unfinished = (bits: number) => deflateSync(pixels(bits), { finishFlush: constants.Z_SYNC_FLUSH });
    const half = (data: Buffer) => data.subarray(0, data.length / 2);
    const noDeflate = Buffer.alloc(4, 0xff);
    const pdf = await PDFDocument.create();
    const add = (data: Uint8Array, BitsPerComponent: number, entries: Entries = {}) => {
      const grey = { Filter: "FlateDecode", ColorSpace: "DeviceGray", Width: width, Height: height };
      addImage(pdf.addPage([612, 792]), data, { ...grey, BitsPerComponent, ...entries });
    };
    for (const bits of [2, 4, 16]) add(unfinished(bits), bits);
    add(unfinished(8), 8, { Mask: [254, 254] });
    for (const bits of [1, 4]) add(Buffer.concat([unfinished(bits), noDeflate]), bits);
    for (const bits of [4, 16]) add(half(unfinished(bits)), bits);
    add(Buffer.concat([half(unfinished(8)), noDeflate]), 8, { Mask: [254, 254] });
    const { read, failures } = await recognize(await write("unfinished.pdf", await pdf.save()));
    expect(failures.map(({ page, failure }) => [page, failure.type])).toEqual([7, 8, 9].map((n) => [n, "Corrupt"]));
    expect(read.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const page of read) expect(page.text.length, `page ${page.number}`).toBeGreaterThan(300);
  });
});
