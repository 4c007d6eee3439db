import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PDFDocument, type PDFFont, type PDFImage, type PDFPage, StandardFonts } from "pdf-lib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDocumentFile } from "#docket/ocr/document-file";
import { PageReader } from "#docket/ocr/page-reader";
import type { Recognizer } from "#docket/ocr/recognizer";
import { trainedDataFiles } from "#docket/ocr/trained-data";
import { WasmTesseract } from "#docket/ocr/wasm-tesseract";
import { drawProse, encodePng, mapPixels, prose, renderFirstPage, writePdf } from "./ocr-documents.ts";

// Pictures that a document shows on many of its pages, beside a text layer of its own.

const maxPixels = 9_000_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-pictures-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A grey strip, 612 x 60 points, with words on it. */
async function strip(words: string): Promise<Buffer> {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  pdf.addPage([612, 60]).drawText(words, { x: 60, y: 22, size: 16, font });
  const drawn = await renderFirstPage(await pdf.save(), 150);
  return encodePng(mapPixels(drawn, (grey) => grey - 20));
}

/** A document of two pages with prose and what `draw` adds to each. */
function report(name: string, image: Buffer, draw: (page: PDFPage, image: PDFImage, font: PDFFont, n: number) => void) {
  return writePdf(folder, name, async (pdf, font) => {
    const embedded = await pdf.embedPng(image);
    for (const number of [1, 2]) {
      const page = pdf.addPage([612, 792]);
      drawProse(page, font);
      draw(page, embedded, font, number);
    }
  });
}

/** Opens a document for a reader that counts what its engine is asked. */
async function openReader(path: string, memory = { exhausted: () => false }) {
  const file = await openDocumentFile(path, "report.pdf", maxPixels);
  const asked: number[] = [];
  const createRecognizer = (): Recognizer => {
    const engine = new WasmTesseract(trainedDataFiles("eng"));
    const { recognize } = engine;
    return Object.assign(engine, {
      recognize: (...picture: Parameters<typeof recognize>) => {
        asked.push(picture[0].file.length);
        return recognize.apply(engine, picture);
      },
    });
  };
  const options = { name: "report.pdf", maxPixels, language: "eng", rules: false, createRecognizer, memory };
  const reader = new PageReader(file, options);
  await reader.open();
  return { reader, asked, close: () => reader.close().then(() => file.close()) };
}

it("a strip with each page's own number over it is recognised once", async () => {
  const image = await strip("Harbour Office, Northern District");
  const path = await report("numbered.pdf", image, (page, picture, font, number) => {
    page.drawImage(picture, { x: 0, y: 0, width: 612, height: 60 });
    page.drawText(`Page ${number} of 300`, { x: 480, y: 24, size: 10, font });
  });
  const { reader, asked, close } = await openReader(path);
  for (const number of [1, 2]) {
    const { lines } = await reader.read(number, 0, () => {});
    const texts = lines.map(({ text }) => text);
    expect(texts.slice(0, prose.length)).toEqual(prose);
    expect(texts.slice(prose.length).sort()).toEqual(["Harbour Office, Northern District", `Page ${number} of 300`]);
  }
  expect(asked).toHaveLength(1);
  await close();
});

it("a page whose picture found no memory is not taken for an earlier one whose picture is white", async () => {
  const white = encodePng({ width: 100, height: 100, grey: new Uint8Array(10_000).fill(255) });
  const path = await report("white.pdf", white, (page, picture) => {
    page.drawImage(picture, { x: 100, y: 100, width: 400, height: 400 });
  });
  // What pdfium has no memory for it draws as white paper, and the cap alone tells: at the third look, behind the
  // page's beginning, its text layer and its drawing.
  let looks = -100;
  const memory = { exhausted: () => ++looks === 3 };
  const { reader, asked, close } = await openReader(path, memory);
  expect(await reader.read(1, 0, () => {})).toMatchObject({ source: "text-layer", text: prose.join("\n") });
  looks = 0;
  await expect(reader.read(2, 0, () => {})).rejects.toMatchObject({ type: "OutOfMemory" });
  expect(asked).toEqual([]);
  await close();
});
