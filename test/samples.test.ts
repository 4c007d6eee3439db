import { execFile } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { inspectDocument } from "#docket/media/inspect-document";
import { openDocument } from "#docket/media/pdfium";

const folder = fileURLToPath(new URL("../samples/", import.meta.url));
const files = await readdir(folder);
const documents = files.filter((name) => /\.(pdf|tiff|jpg|png)$/.test(name));
const groundTruth = (document: string) => document.replace(/\.[a-z]+$/, ".txt");

describe("samples", () => {
  it("are at least ten documents of every kind that Docket reads, below 10 MB together", async () => {
    expect(documents.length).toBeGreaterThanOrEqual(10);
    expect(new Set(documents.map((name) => name.split(".").pop()))).toEqual(new Set(["pdf", "tiff", "jpg", "png"]));
    const sizes = await Promise.all(documents.map(async (name) => (await stat(join(folder, name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10_000_000);
  });

  it("are each described", async () => {
    const readme = await readFile(join(folder, "README.md"), "utf8");
    for (const name of documents) expect(readme).toContain(`| \`${name}\` `);
  });

  it.each(documents)("%s has a ground truth of as many pages, each with text on it", async (name) => {
    const pages = (await readFile(join(folder, groundTruth(name)), "utf8")).split("\f");
    expect(pages.every((page) => page.trim() !== "" && page.endsWith("\n"))).toBe(true);
    const file = await open(join(folder, name));
    try {
      const { size } = await file.stat();
      const read = async (offset: number, length: number) => {
        const bytes = new Uint8Array(length);
        await file.read(bytes, 0, length, offset);
        return bytes;
      };
      const facts = await inspectDocument({ size, read }, { timeoutMilliseconds: 10_000, name });
      expect(facts).toMatchObject({ pages: pages.length, pagesMeasured: pages.length, encrypted: false, problems: [] });
    } finally {
      await file.close();
    }
  });

  it("that are born digital carry their ground truth as their text", async () => {
    const read = await textLayer("service-agreement.pdf");
    const truth = await readFile(join(folder, "service-agreement.txt"), "utf8");
    // The ground truth puts a page's footer last; a text layer has it wherever it was printed.
    const words = (text: string) => text.split(/\s+/).filter(Boolean).sort();
    expect(words(read.join("\n"))).toEqual(words(truth));
  });

  it("are made by their program, byte for byte", async () => {
    const out = await mkdtemp(join(tmpdir(), "docket-samples-"));
    const some = ["service-agreement", "notice-200dpi-bilevel", "settlement-mixed", "court-order", "invoice"];
    try {
      await promisify(execFile)(process.execPath, [join(folder, "make.mjs"), "--out", out, ...some], {
        timeout: 240_000,
      });
      const made = await readdir(out);
      expect(made).toHaveLength(some.length * 2);
      for (const name of made) {
        const [fresh, kept] = await Promise.all([readFile(join(out, name)), readFile(join(folder, name))]);
        expect(fresh.equals(kept), name).toBe(true);
      }
    } finally {
      await rm(out, { recursive: true });
    }
  });
});

async function textLayer(name: string): Promise<string[]> {
  const bytes = await readFile(join(folder, name));
  const source = {
    size: bytes.length,
    read: (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)),
  };
  const document = await openDocument(source, name);
  const { pdfium } = document;
  const pages: string[] = [];
  for (let number = 1; number <= document.pageCount; number++) {
    document.withPage(number, (page) => {
      const text = pdfium.FPDFText_LoadPage(page);
      const count = pdfium.FPDFText_CountChars(text);
      const characters = Array.from({ length: count }, (_, i) =>
        String.fromCodePoint(pdfium.FPDFText_GetUnicode(text, i)),
      );
      pages.push(characters.join(""));
      pdfium.FPDFText_ClosePage(text);
    });
  }
  document.close();
  return pages;
}
