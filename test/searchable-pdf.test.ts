import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { PDFDocument as EncryptingDocument } from "@cantoo/pdf-lib";
import { degrees, PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Box, Line, RecognizedPage } from "#docket/contract/page";
import type { ExportInput } from "#docket/export/export-input";
import { limitReaders } from "#docket/export/free-memory";
import { pictureResolutions } from "#docket/export/pdf/picture-resolution";
import { writeSearchablePdf } from "#docket/export/pdf/searchable-pdf";
import { openDocument, type PdfDocument } from "#docket/media/pdfium";
import { readTextLayer } from "#docket/ocr/text-layer";
import {
  addScan,
  drawProse,
  encodePng,
  encodeTiff,
  type Picture,
  pictureOfProse,
  prose,
  writePdf,
} from "./ocr-documents.ts";

let folder: string;
let sheet: Picture;
/** Where the words of the sheet are, as its own text layer has them. */
let sheetLines: Line[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-searchable-"));
  const source = await writePdf(folder, "sheet.pdf", (pdf, font) => drawProse(pdf.addPage([612, 792]), font));
  sheetLines = (await textOf(source))[0]?.lines ?? [];
  sheet = await pictureOfProse(72);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const scanned = (lines: Line[], number = 1): RecognizedPage => ({
  number,
  width: null,
  height: null,
  text: lines.map(({ text }) => text).join("\n"),
  confidence: 95,
  lines,
  source: "textract",
});

/** Exports a file with the pages that were read of it. */
async function exported(file: string, pages: RecognizedPage[]) {
  const output = join(folder, `${basename(file)}.out.pdf`);
  const input = {
    document: { fileName: basename(file) },
    original: async () => file,
    pages: async function* () {
      yield* pages;
    },
  } as unknown as ExportInput;
  const result = await writeSearchablePdf(input, output);
  const [before, after] = await Promise.all([readFile(file), readFile(output)]);
  return {
    ...result,
    output,
    untouched: after.subarray(0, before.length).equals(before),
    added: after.length - before.length,
  };
}

async function open(file: string): Promise<PdfDocument> {
  const bytes = await readFile(file);
  return openDocument({ size: bytes.length, read: (at, into) => into.set(bytes.subarray(at, at + into.length)) });
}

/** The text of a PDF's pages and where it stands, as another program finds it. */
async function textOf(file: string) {
  const document = await open(file);
  const pages = Array.from({ length: document.pageCount }, (_, i) =>
    document.withPage(i + 1, (page) => {
      const { lines } = readTextLayer(document, page, []);
      const textPage = document.pdfium.FPDFText_LoadPage(page);
      const angles = wordAngles(document, textPage);
      document.pdfium.FPDFText_ClosePage(textPage);
      return { lines, words: lines.flatMap(({ words }) => words), angles, size: document.pageSize(i + 1) };
    }),
  );
  document.close();
  return pages;
}

/** Degrees, clockwise, by which long words are turned on an unrotated page: from their first to their last letter. */
function wordAngles({ pdfium }: PdfDocument, textPage: number): number[] {
  const at = pdfium.pdfium.wasmExports.malloc(16);
  const angles: number[] = [];
  let word: { x: number; y: number }[] = [];
  for (let i = 0; i <= pdfium.FPDFText_CountChars(textPage); i++) {
    if (/[a-z]/i.test(String.fromCodePoint(pdfium.FPDFText_GetUnicode(textPage, i)))) {
      pdfium.FPDFText_GetCharOrigin(textPage, i, at, at + 8);
      word.push({ x: pdfium.pdfium.getValue(at, "double"), y: pdfium.pdfium.getValue(at + 8, "double") });
      continue;
    }
    const [first, last] = [word[0], word.at(-1)];
    if (word.length > 5 && first && last) angles.push((Math.atan2(first.y - last.y, last.x - first.x) * 180) / Math.PI);
    word = [];
  }
  pdfium.pdfium.wasmExports.free(at);
  return angles;
}

const middle = ({ left, top, width, height }: Box) => ({ x: left + width / 2, y: top + height / 2 });

/** Every word is found once, and where it stands on the picture: less than `off` (fractions of the page) away. */
function expectInPlace(found: { text: string; box: Box }[], lines: Line[], off = 0.006) {
  const wanted = lines.flatMap(({ words }) => words);
  expect(found.map(({ text }) => text).sort()).toEqual(wanted.map(({ text }) => text).sort());
  for (const { text, box } of wanted) {
    const nearest = Math.min(
      ...found
        .filter((word) => word.text === text)
        .map((word) => Math.hypot(middle(word.box).x - middle(box).x, middle(word.box).y - middle(box).y)),
    );
    expect(nearest, text).toBeLessThan(off);
  }
}

describe("a searchable PDF", () => {
  it("has the words of a scan where they stand, and the scan's own bytes before them", async () => {
    const file = await writePdf(folder, "scan.pdf", async (pdf) => void (await addScan(pdf, sheet)));
    const made = await exported(file, [scanned(sheetLines)]);
    expect(made).toMatchObject({ pages: 1, note: null, untouched: true });
    const [page] = await textOf(made.output);
    expectInPlace(page?.words ?? [], sheetLines);
    expect(page?.lines.map(({ text }) => text)).toEqual(prose);
    for (const { text, box } of page?.words ?? []) {
      const own = sheetLines.flatMap(({ words }) => words).find((word) => word.text === text);
      if (
        prose
          .join(" ")
          .split(" ")
          .filter((word) => word === text).length > 1
      )
        continue;
      expect(box.left, text).toBeCloseTo(own?.box.left ?? 0, 2);
      expect(box.width, text).toBeCloseTo(own?.box.width ?? 0, 2);
    }
  });

  it.each([0, 90, 180, 270])("puts them right on a page that is turned by %i degrees and cropped", async (turn) => {
    const file = await writePdf(folder, `turned-${turn}.pdf`, async (pdf) => {
      const image = await pdf.embedPng(encodePng(sheet));
      const sideways = turn % 180 !== 0;
      const [width, height] = sideways ? [792, 612] : [612, 792];
      const page = pdf.addPage([width + 150, height + 170]);
      page.setCropBox(60, 70, width, height);
      page.setRotation(degrees(turn));
      // Turned back, so that the page is upright as displayed.
      const corner = { 0: [60, 70], 90: [60 + width, 70], 180: [60 + width, 70 + height], 270: [60, 70 + height] }[
        turn
      ];
      const [x = 0, y = 0] = corner ?? [];
      page.drawImage(image, { x, y, width: 612, height: 792, rotate: degrees(turn) });
    });
    const made = await exported(file, [scanned(sheetLines)]);
    expect(made.untouched).toBe(true);
    const [page] = await textOf(made.output);
    expectInPlace(page?.words ?? [], sheetLines);
    expect(page?.lines.map(({ text }) => text)).toEqual(prose);
  });

  it.each([-6, 2, 5])("follows lines that are skewed by %i degrees", async (skew) => {
    const file = await writePdf(folder, `skewed-${skew}.pdf`, async (pdf) => void (await addScan(pdf, sheet)));
    // Upright boxes around the turned words are all that a reader tells.
    const lines = sheetLines.map((line) => ({
      ...line,
      words: line.words.map((word) => ({ ...word, box: turned(word.box, skew) })),
    }));
    const { output } = await exported(file, [scanned(lines)]);
    const [page] = await textOf(output);
    expectInPlace(page?.words ?? [], lines);
    expect(page?.angles.length).toBeGreaterThan(5);
    for (const angle of page?.angles ?? []) expect(Math.abs(angle - skew)).toBeLessThan(0.5);
  });

  it("follows lines that run up the page", async () => {
    const file = await writePdf(folder, "upwards.pdf", async (pdf) => void (await addScan(pdf, sheet)));
    const up = (box: Box): Box => ({
      left: box.top,
      top: 1 - box.left - box.width,
      width: box.height,
      height: box.width,
    });
    const lines = sheetLines.map((line) => ({
      ...line,
      words: line.words.map((word) => ({ ...word, box: up(word.box) })),
    }));
    const [page] = await textOf((await exported(file, [scanned(lines)])).output);
    expectInPlace(page?.words ?? [], lines);
    for (const angle of page?.angles ?? []) expect(Math.abs(angle + 90)).toBeLessThan(0.5);
  });

  it("can be searched for text of any script", async () => {
    const texts = ["Žluťoučký kůň", "Ελληνικά Привет", "東京 都庁", "𝒳 is astral", "naïve ﬁne €5 (a\\b)", "שלום עולם"];
    const file = await writePdf(folder, "scripts.pdf", async (pdf) => void (await addScan(pdf, sheet)));
    const lines = texts.map((text, row) => {
      const words = text.split(" ").map((word, column, all) => {
        const place = text.startsWith("ש") ? all.length - 1 - column : column;
        return {
          text: word,
          confidence: 90,
          box: { left: 0.1 + place * 0.25, top: 0.1 + row * 0.1, width: 0.2, height: 0.02 },
        };
      });
      return { text, confidence: 90, box: { left: 0.1, top: 0.1 + row * 0.1, width: 0.8, height: 0.02 }, words };
    });
    const [page] = await textOf((await exported(file, [scanned(lines)])).output);
    const found = page?.lines.map(({ text }) => text).join("\n");
    for (const text of texts) for (const word of text.split(" ")) expect(found).toContain(word.replace("ﬁ", "fi"));
  });

  it("does not double text that a page has of its own", async () => {
    const own = await exported("samples/service-agreement.pdf", await fakeReading("samples/service-agreement.pdf"));
    expect(own).toMatchObject({ pages: 0, untouched: true, added: 0 });
    const mixed = await exported(
      "samples/settlement-mixed.pdf",
      await fakeReading("samples/settlement-mixed.pdf", sheetLines),
    );
    expect(mixed).toMatchObject({ pages: 2, untouched: true });
    const words = (await textOf(mixed.output)).map((page) => page.words.length);
    const before = (await textOf("samples/settlement-mixed.pdf")).map((page) => page.words.length);
    expect(words.map((count, i) => count - (before[i] ?? 0))).toEqual(
      [0, 0, 1, 1, 0].map((laid) => laid * prose.join(" ").split(" ").length),
    );
  });

  it("has what was read on a picture beside a scan that has its text already, and that text once", async () => {
    const grey = await pictureOfProse(20);
    const file = await writePdf(folder, "beside.pdf", async (pdf, font) => {
      const page = pdf.addPage([612, 792]);
      const image = await pdf.embedPng(encodePng(grey));
      page.drawImage(image, { x: 0, y: 0, width: 400, height: 792 });
      page.drawImage(image, { x: 412, y: 100, width: 200, height: 500 });
      drawProse(page, font);
      page.drawText("Exhibit B, the harbour", { x: 420, y: 120, size: 12, font });
    });
    const own = (await textOf(file))[0]?.lines ?? [];
    expect(own.at(-1)?.text).toBe("Exhibit B, the harbour");
    const box = { left: 0.75, top: 0.5, width: 0.1, height: 0.02 };
    const words = [{ text: "Landfall", confidence: 90, box }];
    const lines = [...own, { text: "Landfall", confidence: 90, box, words }];
    const { output } = await exported(file, [{ ...scanned(lines), source: "recognition" }]);
    const [page] = await textOf(output);
    expectInPlace(page?.words ?? [], lines);
  });

  it("does not double the text below a scan in another language than English", async () => {
    const sentence = "Die Klägerin verlangt von der Beklagten Zahlung des vereinbarten Kaufpreises nebst Zinsen.";
    const file = await writePdf(folder, "german.pdf", async (pdf, font) => {
      const page = await addScan(pdf, sheet);
      for (let i = 0; i < 12; i++) page.drawText(sentence, { x: 60, y: 720 - 40 * i, size: 11, font });
    });
    const own = (await textOf(file))[0]?.lines ?? [];
    expect(own).toHaveLength(12);
    expect(await exported(file, [scanned(own)])).toMatchObject({ pages: 0, untouched: true, added: 0 });
  });

  it("leaves out a stamp's words and adds those of the scan below it", async () => {
    const file = await writePdf(folder, "stamped.pdf", async (pdf, font) => {
      (await addScan(pdf, sheet)).drawText("ALD 000123", { x: 450, y: 40, size: 12, font });
    });
    const stamp = (await textOf(file))[0]?.lines ?? [];
    const [page] = await textOf((await exported(file, [scanned([...sheetLines, ...stamp])])).output);
    expectInPlace(page?.words ?? [], [...sheetLines, ...stamp]);
  });

  it.each([
    ["slanted by 45 degrees", "CONFIDENTIAL", { x: 60, y: 300, size: 60, rotate: degrees(45) }],
    ["of several words", "ATTORNEYS EYES ONLY", { x: 60, y: 350, size: 36, rotate: degrees(50) }],
    ["slanted a little", "CONFIDENTIAL", { x: 60, y: 500, size: 70, rotate: degrees(20) }],
    ["upright and huge", "DRAFT", { x: 60, y: 600, size: 140 }],
  ])("adds the words of a scan below a watermark that is %s", async (name, watermark, place) => {
    const file = await writePdf(folder, `${name}.pdf`, async (pdf, font) => {
      (await addScan(pdf, sheet)).drawText(watermark, { ...place, font });
    });
    const own = (await textOf(file))[0]?.lines ?? [];
    // As a reader sees it: the watermark's words among the others.
    const { output } = await exported(file, [scanned([...sheetLines, ...own])]);
    const words = (await textOf(output))[0]?.words.map(({ text }) => text) ?? [];
    expect(words.sort()).toEqual([...prose.join(" ").split(" "), ...watermark.split(" ")].sort());
  });

  it("of a picture has the size that the picture's resolution makes, and its pixels as they were", async () => {
    const png = encodePng(sheet);
    const metre = Buffer.from([0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1]);
    const resolution = Buffer.concat([Buffer.from([0, 0, 0, 9]), Buffer.from("pHYs"), metre, Buffer.alloc(4)]);
    resolution.writeUInt32BE(crc32(resolution.subarray(4, 17)), 17);
    const files: [string, Buffer, number, number][] = [
      ["sheet.png", Buffer.concat([png.subarray(0, 33), resolution, png.subarray(33)]), 1, 72],
      ["sheet.tiff", tiff([sheet, sheet]), 2, 200],
    ];
    for (const [name, bytes, count, dotsPerInch] of files) {
      const file = join(folder, name);
      await writeFile(file, bytes);
      const made = await exported(
        file,
        Array.from({ length: count }, (_, i) => scanned(sheetLines, i + 1)),
      );
      const pages = await textOf(made.output);
      expect(pages).toHaveLength(count);
      for (const page of pages) {
        expectInPlace(page.words, sheetLines);
        expect(page.size?.width).toBeCloseTo((612 * 72) / dotsPerInch, 0);
        expect(page.size?.height).toBeCloseTo((792 * 72) / dotsPerInch, 0);
      }
      const document = await open(made.output);
      const shown = document.withPage(1, (page) => document.renderGrey(page, sheet.width, sheet.height));
      document.close();
      const different = shown.reduce((sum, value, i) => sum + Math.abs(value - (sheet.grey[i] ?? 0)), 0);
      expect(different / shown.length).toBeLessThan(2);
    }
    const source = async (file: string) => {
      const bytes = await readFile(file);
      return {
        size: bytes.length,
        read: (at: number, into: Uint8Array) => into.set(bytes.subarray(at, at + into.length)),
      };
    };
    const deposition = pictureResolutions("image/tiff", await source("samples/deposition-300dpi.tiff"), "deposition");
    expect(deposition).toEqual([1, 2, 3].map(() => ({ x: 300, y: 300 })));
  });

  it("keeps what pages inherit and share, and takes a font name that is free", async () => {
    const file = join(folder, "inherited.pdf");
    await writeFile(
      file,
      rawPdf([
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]/MediaBox[0 0 612 792]/Resources<</Font 6 0 R/ProcSet[/PDF#20x]>>>>",
        "<</Type/Page/Parent 2 0 R/Contents[5 0 R]>>",
        "<</Type/Page/Parent 2 0 R/Contents 8 0 R>>",
        stream("q BT /DocketText 12 Tf 72 20 Td (Footer) Tj ET"),
        "<</DocketText 7 0 R>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>",
        "[5 0 R]",
      ]),
      "latin1",
    );
    const made = await exported(file, [scanned(sheetLines), scanned(sheetLines, 2)]);
    expect(made).toMatchObject({ pages: 2, note: null, untouched: true });
    for (const page of await textOf(made.output)) {
      const footer = page.words.find(({ text }) => text === "Footer");
      expect(footer?.box.top).toBeGreaterThan(0.9);
      expectInPlace(
        page.words.filter((word) => word !== footer),
        sheetLines,
      );
    }
  });

  it("is made of files with cross-reference tables and of those with streams, update after update", async () => {
    for (const useObjectStreams of [true, false]) {
      const pdf = await PDFDocument.create();
      await addScan(pdf, sheet);
      const file = join(folder, `streams-${useObjectStreams}.pdf`);
      await writeFile(file, await pdf.save({ useObjectStreams }));
      const once = await exported(file, [scanned(sheetLines)]);
      const bytes = await readFile(once.output, "latin1");
      expect(bytes.slice(bytes.lastIndexOf("startxref") - 4000).includes("trailer")).toBe(!useObjectStreams);
      // What was laid on it is the page's own text from now on.
      const twice = await exported(once.output, [scanned(sheetLines)]);
      expect(twice).toMatchObject({ untouched: true, note: null });
      expectInPlace((await textOf(twice.output))[0]?.words ?? [], sheetLines);
    }
  });

  it("is made of a damaged PDF too, by writing it anew, and says so", async () => {
    const sound = await writePdf(folder, "sound.pdf", async (pdf) => void (await addScan(pdf, sheet)));
    const text = (await readFile(sound)).toString("latin1").replace(/startxref\s+\d+/, "startxref\n7");
    const file = join(folder, "damaged.pdf");
    await writeFile(file, text, "latin1");
    const made = await exported(file, [scanned(sheetLines)]);
    expect(made.note).toMatch(/damaged/);
    expectInPlace((await textOf(made.output))[0]?.words ?? [], sheetLines);
  });

  it("is refused for a PDF that its owner encrypted", async () => {
    const pdf = await EncryptingDocument.create();
    pdf.addPage([612, 792]);
    pdf.encrypt({ userPassword: "", ownerPassword: "secret", permissions: {} });
    const file = join(folder, "owner.pdf");
    await writeFile(file, await pdf.save());
    await expect(exported(file, [scanned(sheetLines)])).rejects.toMatchObject({ type: "Encrypted" });
  });

  // The last one: the cap stays.
  it("is not made of an original that takes more memory than an export may have", async () => {
    limitReaders();
    const content = deflateSync(Buffer.alloc(220 * 2 ** 20, " ")).toString("latin1");
    const objects = [
      "<</Type/Catalog/Pages 2 0 R>>",
      "<</Type/Pages/Count 1/Kids[3 0 R]>>",
      "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
      stream(content, "/Filter/FlateDecode"),
    ];
    const file = join(folder, "bomb.pdf");
    await writeFile(file, rawPdf(objects), "latin1");
    const page = scanned(sheetLines);
    await expect(exported(file, [page])).rejects.toMatchObject({ type: "OutOfMemory" });
  });
});

/** What a reader tells of a document's own text, as if it had been recognised; `scans` for pages without any. */
async function fakeReading(file: string, scans: Line[] = []): Promise<RecognizedPage[]> {
  return (await textOf(file)).map(({ lines }, i) => scanned(lines.length > 0 ? lines : scans, i + 1));
}

/** The upright box around a box that was turned clockwise around the middle of the letter sheet. */
function turned(box: Box, by: number): Box {
  const [cos, sin] = [Math.cos((by * Math.PI) / 180), Math.sin((by * Math.PI) / 180)];
  const [width, height] = [612, 792];
  const corners = [0, 1].flatMap((right) =>
    [0, 1].map((down) => {
      const [x, y] = [(box.left + right * box.width - 0.5) * width, (box.top + down * box.height - 0.5) * height];
      return { x: (cos * x - sin * y) / width + 0.5, y: (sin * x + cos * y) / height + 0.5 };
    }),
  );
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Grey pictures, a strip each, that do not tell their resolution. */
function tiff(pictures: Picture[]): Buffer {
  return encodeTiff(
    pictures.map(({ width, height, grey }) => ({
      tags: { 256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height] },
      strips: [grey],
    })),
  );
}

function stream(content: string, more = ""): string {
  return `<</Length ${content.length}${more}>>\nstream\n${content}\nendstream`;
}

/** A PDF of these objects, the first of which is the catalogue. */
function rawPdf(objects: string[]): string {
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, i) => {
    const at = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, "0")} 00000 n \n`;
  });
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join("")}`;
  return `${file}${table}trailer\n<</Size ${size}/Root 1 0 R>>\nstartxref\n${file.length}\n%%EOF\n`;
}
