import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractPages } from "#docket/media/extract-pages";
import { inspectDocument } from "#docket/media/inspect-document";
import { openDocument } from "#docket/media/pdfium";
import type { DocumentSource } from "#docket/media/range-reader";
import { openDocumentFile } from "#docket/ocr/document-file";
import { encodeTiff } from "./ocr-documents.ts";
import { createSparsePdf } from "./support/sparse-pdf.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-extract-"));
});
afterAll(() => rm(folder, { recursive: true }));

const inMemory = (bytes: Uint8Array): DocumentSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

async function extract(source: DocumentSource, pages: number[], maxBytes = 200_000_000) {
  const pieces: Uint8Array[] = [];
  const mediaType = await extractPages(source, {
    pages,
    name: "the document",
    maxBytes,
    signal: new AbortController().signal,
    write: async (bytes) => void pieces.push(bytes),
  });
  return { mediaType, bytes: Buffer.concat(pieces) };
}

/** What a page looks like, a quarter of its size, as grey bytes. */
async function picture(file: string, page: number): Promise<Uint8Array> {
  const opened = await openDocumentFile(file, file, 40_000_000);
  const pdf = await openDocument(opened.pdf, file);
  try {
    const { width, height } = pdf.pageSize(page) ?? { width: 0, height: 0 };
    return pdf.withPage(page, (handle) => pdf.renderGrey(handle, Math.round(width / 4), Math.round(height / 4)));
  } finally {
    pdf.close();
    opened.close();
  }
}

describe("pages that are taken out of a document look as they did in it", () => {
  it.each([
    ["PDF with text", "samples/service-agreement.pdf", [2, 4], "application/pdf"],
    ["PDF with scans, one turned", "samples/settlement-mixed.pdf", [4, 1], "application/pdf"],
    ["TIFF", "samples/deposition-300dpi.tiff", [1, 3], "image/tiff"],
  ])("%s", async (_, sample, pages, mediaType) => {
    const extracted = await extract(inMemory(await readFile(sample)), pages);
    expect(extracted.mediaType).toBe(mediaType);
    const facts = await inspectDocument(inMemory(extracted.bytes), { timeoutMilliseconds: 60_000 });
    expect(facts).toMatchObject({ mediaType, pages: pages.length, problems: [] });

    const file = join(folder, "small");
    await writeFile(file, extracted.bytes);
    for (const [index, page] of pages.entries()) {
      const [small, large] = [await picture(file, index + 1), await picture(sample, page)];
      expect(small.some((grey) => grey < 128)).toBe(true);
      expect(Buffer.compare(small, large)).toBe(0);
    }
  });
});

describe("what it takes is bounded", () => {
  it("three pages of a PDF of 400 MB: little more than these is read", async () => {
    const pdf = createSparsePdf({ pages: 3000, imageBytes: 134_000, scattered: true });
    const { bytes } = await extract(pdf, [7, 1500, 2999]);
    expect(await inspectDocument(inMemory(bytes), { timeoutMilliseconds: 60_000 })).toMatchObject({ pages: 3 });
    expect(bytes.length).toBeLessThan(3 * 134_000 + 10_000);
    expect(pdf.bytesRead).toBeLessThan(pdf.size / 10);
  });

  it("pages that need too much memory are a typed failure", async () => {
    const pdf = createSparsePdf({ pages: 3, imageBytes: 120_000_000, scattered: true });
    await expect(extract(pdf, [1, 3])).rejects.toMatchObject({ type: "OutOfMemory" });
  });

  it("a small document that would grow too large is a typed failure", async () => {
    const tiff = inMemory(await readFile("samples/deposition-300dpi.tiff"));
    await expect(extract(tiff, [1, 2], 20_000)).rejects.toMatchObject({ type: "TooLarge" });
    const pdf = inMemory(await readFile("samples/settlement-mixed.pdf"));
    await expect(extract(pdf, [3], 20_000)).rejects.toMatchObject({ type: "TooLarge" });
  });
});

describe("what cannot be taken out says why", () => {
  it("a page that is not there", async () => {
    const tiff = inMemory(await readFile("samples/deposition-300dpi.tiff"));
    await expect(extract(tiff, [4])).rejects.toMatchObject({ type: "Corrupt" });
    const pdf = inMemory(await readFile("samples/service-agreement.pdf"));
    await expect(extract(pdf, [99])).rejects.toMatchObject({ type: "Corrupt" });
  });

  it("a TIFF cut off in the middle of a picture", async () => {
    const whole = await readFile("samples/deposition-300dpi.tiff");
    const directoryFirst = inMemory((await extract(inMemory(whole), [1])).bytes.subarray(0, -100));
    await expect(extract(directoryFirst, [1])).rejects.toMatchObject({ type: "Corrupt" });
  });

  it("a TIFF whose picture says that it has more data than any TIFF can hold", async () => {
    const tiff = encodeTiff([
      {
        tags: { 256: [8], 257: [8], 258: [1], 259: [1], 262: [1], 277: [1], 278: [4] },
        strips: [new Uint8Array(4), new Uint8Array(4)],
      },
    ]);
    expect((await extract(inMemory(tiff), [1])).mediaType).toBe("image/tiff");
    const lengths = tiff.indexOf(Buffer.from([4, 0, 0, 0, 4, 0, 0, 0]));
    tiff.fill(0xff, lengths, lengths + 8);
    await expect(extract(inMemory(tiff), [1])).rejects.toMatchObject({
      type: "Corrupt",
      message: expect.stringContaining("8589934590 bytes"),
    });
  });

  it("a picture, and a document that is none", async () => {
    const png = inMemory(await readFile("samples/court-order.png"));
    await expect(extract(png, [1])).rejects.toMatchObject({ type: "UnsupportedMedia" });
    await expect(extract(inMemory(Buffer.from("%PDF-1.7 nothing")), [1])).rejects.toMatchObject({ type: "Corrupt" });
  });

  it("whoever takes the pieces fails, or the work is cancelled", async () => {
    const source = inMemory(await readFile("samples/service-agreement.pdf"));
    const options = { pages: [1], name: "the document", maxBytes: 1_000_000 };
    const { signal } = new AbortController();
    const write = () => Promise.reject(new Error("the taker is gone"));
    await expect(extractPages(source, { ...options, signal, write })).rejects.toThrow("the taker is gone");
    const cancelled = AbortSignal.abort(new Error("cancelled"));
    await expect(extractPages(source, { ...options, signal: cancelled, write })).rejects.toThrow("cancelled");
  });
});
