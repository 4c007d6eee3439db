import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { degrees, PDFDocument, StandardFonts } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadOcrSettings, type OcrLimits } from "#docket/config";
import type { RecognizedPage } from "#docket/contract/page";
import { recognizeDocument } from "#docket/ocr/recognize-document";
import { onceWithinPage } from "./support/within-page.ts";
import { wordRecall } from "./support/word-recall.ts";

const defaults = loadOcrSettings({});
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-recognition-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(file: string, changes: Partial<OcrLimits> = {}, options: object = {}) {
  const pages: RecognizedPage[] = [];
  const onPage = (page: RecognizedPage) => void pages.push(page);
  const result = await recognizeDocument({ file, limits: { ...defaults, ...changes }, onPage, ...options });
  return { ...result, read: pages };
}

async function pdf(draw: (document: PDFDocument) => Promise<void> | void): Promise<string> {
  const document = await PDFDocument.create();
  await draw(document);
  const file = join(folder, `${Math.random()}.pdf`);
  await writeFile(file, await document.save());
  return file;
}

describe("local recognition", () => {
  it("takes a trustworthy text layer as it is, with its geometry", async () => {
    const { read: pages } = await read("samples/service-agreement.pdf");
    const truth = (await readFile("samples/service-agreement.txt", "utf8")).split("\f");
    expect(pages.map(({ number, source }) => [number, source])).toEqual(truth.map((_, i) => [i + 1, "text-layer"]));
    for (const page of pages) {
      for (const { box } of page.lines.flatMap((line) => [line, ...line.words])) {
        for (const edge of [box.left, box.top, box.left + box.width, box.top + box.height]) {
          expect(edge).toBeGreaterThanOrEqual(0);
          expect(edge).toBeLessThanOrEqual(1.0001);
        }
      }
    }
  });

  it("reads the picture where the hidden text layer is bad", async () => {
    const { read: pages, peakResidentBytes } = await read("samples/affidavit-bad-text-layer.pdf");
    const truth = await readFile("samples/affidavit-bad-text-layer.txt", "utf8");
    expect(pages.map(({ source }) => source)).toEqual(["recognition", "recognition"]);
    expect(wordRecall(truth, pages.map(({ text }) => text).join("\n"))).toBeGreaterThan(0.97);
    expect(peakResidentBytes).toBeLessThan(256 * 1024 * 1024);
  });

  it("goes on at the page that it is told", async () => {
    const { read: pages } = await read("samples/deposition-300dpi.tiff", {}, { firstPage: 3 });
    expect(pages.map(({ number }) => number)).toEqual([3]);
  });

  it("reads a page of 200 x 200 inches as a smaller picture, not in a bigger process", async () => {
    const file = await pdf(
      (document) => void document.addPage([14_400, 14_400]).drawRectangle({ width: 9, height: 9 }),
    );
    const { pages, failures, peakResidentBytes } = await read(file);
    expect({ pages, failures }).toEqual({ pages: 1, failures: [] });
    expect(peakResidentBytes).toBeLessThan(256 * 1024 * 1024);
  });

  it("keeps boxes where they are seen on a page that is turned", async () => {
    const file = await pdf(async (document) => {
      const font = await document.embedFont(StandardFonts.TimesRoman);
      const page = document.addPage([612, 792]);
      page.setRotation(degrees(90));
      page.drawText("Notice is hereby given to all parties of record in this matter today.", { x: 72, y: 720, font });
    });
    const [page] = (await read(file)).read;
    expect(page).toMatchObject({ width: 792, height: 612 });
    // Drawn along the sheet's top edge, which is the right edge once turned: the line runs downwards there.
    expect(page?.lines[0]?.words[0]?.box.left).toBeGreaterThan(0.85);
  });

  it("refuses a document above its limits before it starts", async () => {
    const tooLong = read("samples/production-60-pages.pdf");
    await expect(tooLong).rejects.toMatchObject({ type: "LocalLimitExceeded", message: expect.stringContaining("60") });
    await expect(read("samples/invoice.jpg", { maxBytes: 1000 })).rejects.toMatchObject({ type: "LocalLimitExceeded" });
  });

  it("stops within a second when it is cancelled, in the middle of a page", async () => {
    const cancel = new AbortController();
    let cancelledAt = 0;
    const onHeartbeat = onceWithinPage(() => {
      cancelledAt = performance.now();
      cancel.abort();
    });
    const cancelled = read("samples/deposition-300dpi.tiff", {}, { signal: cancel.signal, onHeartbeat });
    await expect(cancelled).rejects.toMatchObject({ type: "Cancelled" });
    expect(cancelledAt).toBeGreaterThan(0);
    // Of a second, and what a busy machine adds.
    expect(performance.now() - cancelledAt).toBeLessThan(5000);
  });

  it("names the pages that ran out of time or memory, each as its own failure, and ends", async () => {
    const slow = await read("samples/complaint-200dpi-grey.pdf", { pageMilliseconds: 1 });
    expect(slow.failures.map(({ page, failure }) => [page, failure.type])).toEqual([
      [1, "OutOfTime"],
      [2, "OutOfTime"],
      [3, "OutOfTime"],
    ]);
  });
});
