import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { degrees, PDFDocument, type PDFFont, PDFName, type PDFPage, rgb } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDocument } from "#docket/media/pdfium";
import { readTextLayer } from "#docket/ocr/text-layer";
import { followNeighbour, judgeTextLayer, type TextLayerEvidence } from "#docket/ocr/text-layer-trust";
import { addScan, drawProse, encodePng, pictureOfProse, prose, recognize, writePdf } from "./ocr-documents.ts";
import { wordRecall } from "./support/word-recall.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-text-layer-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = prose.join("\n");

function judge(changes: Partial<TextLayerEvidence>, language = "eng") {
  const own = changes.text ?? text;
  const characters = own.replace(/\s/g, "").length;
  return judgeTextLayer(
    { text: own, characters, unmapped: 0, mapErrors: 0, imageCoverage: 0, charactersOnImage: 0, ...changes },
    language,
  );
}

/** Every letter moved on by some places, as fonts do whose codes were renumbered. */
function shifted(by: number): string {
  return text.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + by) % 26) + 97));
}

/** Codes 128 to 131 of a font as the first four Hebrew letters. */
const hebrewMap =
  "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def 1 begincodespacerange " +
  "<00> <ff> endcodespacerange 4 beginbfchar <80> <05d0> <81> <05d1> <82> <05d2> <83> <05d3> endbfchar endcmap " +
  "CMapName currentdict /CMap defineresource pop end end";
const hebrewCodes = (word: string) =>
  word.replace(/[a-d]/g, (letter) => `\\20${letter.charCodeAt(0) - "a".charCodeAt(0)}`);

/** A page of some prose with a picture of an order beside it, 43 % of the page: up to half of it is no scan of the page. */
async function addProseWithOrder(pdf: PDFDocument, font: PDFFont): Promise<PDFPage> {
  const page = pdf.addPage([612, 792]);
  drawProse(page, font, prose.slice(0, 6));
  const order = await pdf.embedPng(await readFile("samples/court-order.png"));
  page.drawImage(order, { x: 120, y: 90, width: 400, height: 518 });
  return page;
}

describe("whether a text layer is trusted", () => {
  it("trusts prose, and prose that lies behind the scan that it was read from", () => {
    expect(judge({})).toEqual({ trusted: true, decisive: true, reason: "good" });
    expect(judge({ imageCoverage: 1, charactersOnImage: 300 })).toMatchObject({ trusted: true, reason: "good" });
  });

  it("refuses a page without text, and one whose characters mean nothing", () => {
    expect(judge({ text: "" })).toMatchObject({ trusted: false, reason: "no-text" });
    expect(judge({ unmapped: 10 })).toMatchObject({ trusted: false, reason: "characters-without-meaning" });
    expect(judge({ mapErrors: 20 })).toMatchObject({ trusted: false, reason: "characters-without-meaning" });
    expect(judge({ unmapped: 3, mapErrors: 5 })).toMatchObject({ trusted: true });
  });

  it("refuses a stamp and a long header over a scan: the scan's own text is not in the layer", () => {
    const stamp = { text: "ALD-000123 CONFIDENTIAL", imageCoverage: 1, charactersOnImage: 21 };
    expect(judge(stamp)).toMatchObject({ trusted: false, reason: "image-without-its-text" });
    const header = { imageCoverage: 0.8, charactersOnImage: 12 };
    expect(judge(header)).toMatchObject({ trusted: false, reason: "image-without-its-text" });
  });

  it("refuses an earlier program's bad reading of a scan", () => {
    const bad = text
      .replace(/h/g, "ln")
      .replace(/n(?=\b|d)/g, "m")
      .replace(/o/g, "0")
      .replace(/i/g, "j");
    expect(judge({ text: bad, imageCoverage: 1, charactersOnImage: 400 })).toMatchObject({ trusted: false });
  });

  it("refuses text in a code, whether it looks like words or not", () => {
    for (const by of [1, 3, 7, 13]) expect(judge({ text: shifted(by) }), `by ${by}`).toMatchObject({ trusted: false });
  });

  it("trusts lists of names, tables of numbers, and other languages", () => {
    const names =
      "Miller Anderson Thompson Garcia Robinson Clark Lewis Walker Young Allen King Wright Scott Hill Green";
    expect(judge({ text: `${names}\n${names}\n${names}\n${names}\n${names}` })).toMatchObject({ trusted: true });
    const row = "2024-03-11 1,250.00 17.5% 12/04 (33) 9.99";
    expect(judge({ text: `${row}\n`.repeat(20) })).toMatchObject({ trusted: true });
    const german =
      "Der Hafenmeister schloss das nördliche Tor am Mittag, weil die Flut Holz über die Fahrrinne getragen hatte. " +
      "Zwei Lotsen warteten mit Laternen und Seilen am Kai, und der Schreiber trug ihre Namen in das Buch ein. ";
    expect(judge({ text: german.repeat(3) })).toMatchObject({ trusted: true });
  });

  it("lets a short page follow a neighbour that was refused for its fonts, and no other", () => {
    const short = judge({ text: "Exhibit A" });
    expect(short).toEqual({ trusted: true, decisive: false, reason: "too-few-words" });
    expect(followNeighbour(short, judge({ text: shifted(3) }))).toMatchObject({ trusted: false });
    expect(followNeighbour(short, judge({}))).toMatchObject({ trusted: true });
    expect(followNeighbour(short, judge({ imageCoverage: 1 }))).toMatchObject({ trusted: true });
    expect(followNeighbour(judge({}), judge({ text: shifted(3) }))).toMatchObject({ trusted: true });
  });
});

describe("what is read from a text layer", () => {
  it("is the page's words, where they are seen: crop box and rotation counted", async () => {
    const file = await writePdf(folder, "turned.pdf", (pdf, font) => {
      const page = pdf.addPage([700, 900]);
      page.setCropBox(50, 100, 600, 700);
      page.setRotation(degrees(90));
      page.drawText("Harbour", { x: 350, y: 450, size: 20, font });
      page.drawText("gate at noon", { x: 50, y: 780, size: 20, font });
    });
    const { read } = await recognize(file);
    const [page] = read;
    expect(page).toMatchObject({ source: "text-layer", width: 700, height: 600, confidence: 99 });
    const words = new Map(page?.lines.flatMap((line) => line.words).map((word) => [word.text, word.box]));
    // Seen turned clockwise: what was at (x, y) of the crop box is at (y, x) from the left and the top.
    const harbour = words.get("Harbour");
    expect(harbour?.left).toBeCloseTo((450 - 100) / 700, 1);
    expect(harbour?.top).toBeCloseTo((350 - 50) / 600, 1);
    expect((harbour?.height ?? 0) * 600).toBeGreaterThan(50);
    expect((harbour?.width ?? 1) * 700).toBeLessThan(25);
    expect(words.get("gate")?.top).toBeCloseTo(0, 1);
    expect(words.get("gate")?.left).toBeCloseTo((780 - 100) / 700, 1);
  });

  it("holds what was filled into a form, and parts the cells of a table", async () => {
    const file = await writePdf(folder, "form.pdf", (pdf, font) => {
      const page = pdf.addPage([612, 792]);
      drawProse(page, font);
      const field = pdf.getForm().createTextField("name");
      field.setText("Ophelia Brandt");
      field.addToPage(page, { x: 72, y: 300, width: 200, height: 24, font });
      page.drawText("Total", { x: 72, y: 200, size: 12, font });
      page.drawText("1,250.00", { x: 400, y: 200, size: 12, font });
    });
    const [page] = (await recognize(file)).read;
    const lines = page?.lines.map((line) => line.text) ?? [];
    expect(page?.source).toBe("text-layer");
    expect(lines.slice(0, prose.length)).toEqual(prose);
    expect(lines).toEqual(expect.arrayContaining(["Total", "1,250.00"]));
    expect(page?.text).toContain("Ophelia Brandt");
  });

  it("is not what lies over a scan as a stamp; the page's picture is read then, the stamp with it", async () => {
    const scan = await pictureOfProse(150);
    const file = await writePdf(folder, "stamped.pdf", async (pdf, font) => {
      const page = await addScan(pdf, scan);
      page.drawText("ALD 000123", { x: 450, y: 40, size: 12, font });
      drawProse(pdf.addPage([612, 792]), font);
    });
    const { read } = await recognize(file);
    expect(read.map(({ source }) => source)).toEqual(["recognition", "text-layer"]);
    expect(read[0]?.text).toContain("The harbour master closed the northern gate at noon");
    expect(read[0]?.text).toContain("000123");
  });

  it("is not the stamp on a scan that is stored as several images, none of which covers half of the page", async () => {
    const { width, height, grey } = await pictureOfProse(150);
    const strip = height / 4;
    const file = await writePdf(folder, "strips.pdf", async (pdf, font) => {
      const page = pdf.addPage([612, 792]);
      for (let i = 0; i < 4; i++) {
        const rows = grey.subarray(Math.round(i * strip) * width, Math.round((i + 1) * strip) * width);
        const image = await pdf.embedPng(encodePng({ width, height: rows.length / width, grey: rows }));
        page.drawImage(image, { x: 0, y: 594 - i * 198, width: 612, height: 198 });
      }
      page.drawText("SMITH 000123", { x: 450, y: 40, size: 12, font });
    });
    const [page] = (await recognize(file)).read;
    expect(page?.source).toBe("recognition");
    expect(page?.text).toContain("The harbour master closed the northern gate at noon");
    expect(page?.text).toContain("000123");
  });

  it("is completed by what a picture shows beside it, in its place", async () => {
    const file = await writePdf(folder, "pasted.pdf", async (pdf, font) => {
      const page = await addProseWithOrder(pdf, font);
      page.drawText("Filed with the clerk of the court", { x: 72, y: 40, size: 12, font });
    });
    const [page] = (await recognize(file)).read;
    const lines = page?.lines.map((line) => line.text) ?? [];
    expect(page?.source).toBe("recognition");
    expect(lines.slice(0, 6)).toEqual(prose.slice(0, 6));
    expect(lines.at(-1)).toBe("Filed with the clerk of the court");
    const order = await readFile("samples/court-order.txt", "utf8");
    expect(wordRecall(order, lines.slice(6, -1).join("\n"))).toBeGreaterThan(0.95);
    expect(page?.lines[0]?.confidence).toBe(99);
    for (const { box } of page?.lines.slice(6, -1) ?? []) {
      expect(box.left).toBeGreaterThan(120 / 612);
      expect(box.top).toBeGreaterThan(1 - 608 / 792);
      expect(box.left + box.width).toBeLessThan(520 / 612);
    }
  });

  it("is completed by what a picture shows below a slanted watermark", async () => {
    const file = await writePdf(folder, "watermark.pdf", async (pdf, font) => {
      const page = await addProseWithOrder(pdf, font);
      page.drawText("CONFIDENTIAL", { x: 150, y: 120, size: 60, font, rotate: degrees(45), color: rgb(0.8, 0.8, 0.8) });
    });
    const [page] = (await recognize(file)).read;
    expect(page?.text).toContain("CONFIDENTIAL");
    expect(wordRecall(await readFile("samples/court-order.txt", "utf8"), page?.text ?? "")).toBeGreaterThan(0.95);
  });

  it("lacks a picture where it stands, also in a page that another program has wrapped and made smaller", async () => {
    const size = 100;
    const grey = encodePng({ width: size, height: size, grey: new Uint8Array(size * size) });
    const wrapped = await writePdf(folder, "wrapped.pdf", async (pdf, font) => {
      const inner = pdf.addPage([612, 792]);
      drawProse(inner, font);
      inner.drawImage(await pdf.embedPng(grey), { x: 306, y: 99, width: 306, height: 396 });
      const source = await PDFDocument.load(await pdf.save());
      const form = await pdf.embedPage(source.getPage(0));
      const half = { x: 0, y: 396, width: 306, height: 396 };
      pdf.addPage([612, 792]).drawPage(form, half);
    });
    const bytes = await readFile(wrapped);
    const document = await openDocument({
      size: bytes.length,
      read: (at, into) => into.set(bytes.subarray(at, at + into.length)),
    });
    const pictures = [1, 2].map((number) =>
      document.withPage(number, (page) => readTextLayer(document, page, document.images(page)).pictures),
    );
    document.close();
    const box = (left: number, top: number, width: number, height: number) => ({
      left: expect.closeTo(left, 3),
      top: expect.closeTo(top, 3),
      width: expect.closeTo(width, 3),
      height: expect.closeTo(height, 3),
    });
    expect(pictures).toEqual([[box(0.5, 0.375, 0.5, 0.5)], [box(0.25, 0.1875, 0.25, 0.25)]]);
  });

  it("is all that is taken where a picture shows no text, or has its text in the layer", async () => {
    const size = 300;
    const disc = new Uint8Array(size * size).map((_, i) =>
      Math.hypot((i % size) - size / 2, Math.floor(i / size) - size / 2) < size / 3 ? 60 : 255,
    );
    const scan = await pictureOfProse(150);
    const file = await writePdf(folder, "logo.pdf", async (pdf, font) => {
      const page = pdf.addPage([612, 792]);
      drawProse(page, font);
      page.drawImage(await pdf.embedPng(encodePng({ width: size, height: size, grey: disc })), {
        ...{ x: 300, y: 100, width: 200, height: 200 },
      });
      // Words over the upper third of a picture of them, as programs do that make a scan searchable.
      drawProse(await addScan(pdf, scan), font);
    });
    const { read } = await recognize(file);
    expect(read.map(({ source, text: own }) => [source, own])).toEqual([
      ["text-layer", prose.join("\n")],
      ["text-layer", prose.join("\n")],
    ]);
  });

  it("keeps printed lines apart where a word is parted at the end of one", async () => {
    const parted = ["This agreement between Smith-", "Jones and the other com-", "pany takes effect at once."];
    const file = await writePdf(folder, "hyphens.pdf", (pdf, font) => {
      drawProse(pdf.addPage([612, 792]), font, parted);
    });
    const [page] = (await recognize(file)).read;
    expect(page?.lines.map((line) => line.text)).toEqual(parted);
    expect(page?.lines[1]?.words.map((word) => word.text)).toEqual(["Jones", "and", "the", "other", "com-"]);
    for (const { box } of page?.lines ?? []) expect(box.height * 792).toBeLessThan(14);
  });

  it("has Latin words in their order among words that are read from right to left", async () => {
    // As the glyphs stand on the page, from left to right; a to d are Hebrew letters.
    const shown = ["Invoice No 17 dcab bcda dcab", "dcab 44 bcda was paid", "dcab was paid bcda", "dcab bcda"];
    const file = await writePdf(folder, "mixed.pdf", (pdf) => {
      const { context } = pdf;
      const page = pdf.addPage([612, 792]);
      const lines = shown.map((line) => `(${line.replace(/\b[a-d]{4}\b/g, hebrewCodes)}) Tj 0 -20 Td`);
      const content = context.stream(`BT /F 12 Tf 72 700 Td ${lines.join(" ")} ET`);
      const font = context.obj({
        ...{ Type: "Font", Subtype: "Type1", BaseFont: "Helvetica", Encoding: "WinAnsiEncoding" },
        ...{ FirstChar: 32, LastChar: 131, Widths: Array<number>(100).fill(550) },
        ToUnicode: context.register(context.stream(hebrewMap)),
      });
      page.node.setFontDictionary(PDFName.of("F"), context.register(font));
      page.node.set(PDFName.of("Contents"), context.register(content));
    });
    const [page] = (await recognize(file)).read;
    const letters = (line: string) =>
      line.replace(/[\u05d0-\u05d3]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0x05d0 + 97));
    expect(page?.lines.map(({ text }) => letters(text))).toEqual([
      "bacd adcb bacd Invoice No 17",
      "was paid adcb 44 bacd",
      "adcb was paid bacd",
      "adcb bacd",
    ]);
    expect(letters(page?.lines[0]?.words.map((word) => word.text).join(" ") ?? "")).toBe(
      "bacd adcb bacd Invoice No 17",
    );
  });

  it("has nothing of what the crop box cuts away", async () => {
    const file = await writePdf(folder, "cropped.pdf", (pdf, font) => {
      const page = pdf.addPage([612, 792]);
      page.setCropBox(0, 0, 612, 600);
      page.drawText("Removed by cropping", { x: 72, y: 760, size: 12, font });
      page.drawText("Shown on the page", { x: 72, y: 500, size: 12, font });
    });
    const [page] = (await recognize(file)).read;
    expect(page).toMatchObject({ source: "text-layer", text: "Shown on the page" });
  });

  it("comes at 500 pages within 150 MiB", async () => {
    const file = await writePdf(folder, "long.pdf", (pdf, font) => {
      for (let i = 1; i <= 500; i++) {
        drawProse(pdf.addPage([612, 792]), font, [...prose, ...prose, ...prose, ...prose, `Page ${i}`]);
      }
    });
    const { read, peakResidentBytes } = await recognize(file, { maxPages: 500 });
    expect(read.map((page) => page.lines.at(-1)?.text)).toEqual(read.map((_, i) => `Page ${i + 1}`));
    expect(read).toHaveLength(500);
    expect(peakResidentBytes).toBeGreaterThan(20 * 2 ** 20);
    expect(peakResidentBytes).toBeLessThan(150 * 2 ** 20);
  });
});
