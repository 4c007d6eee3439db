import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { PDFDocument, PDFName, type PDFPage, StandardFonts } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

/** Lays an image over a page, or over the given part of it. */
function addImage(page: PDFPage, data: Uint8Array, entries: Record<string, string | number>, height = 792): void {
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
