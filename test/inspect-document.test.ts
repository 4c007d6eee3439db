import { execFile } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { deflateSync } from "node:zlib";
import { PDFDocument as EncryptingPdfDocument } from "@cantoo/pdf-lib";
import { degrees, PDFDocument, PDFName, PDFNumber, PDFString } from "pdf-lib";
import { describe, expect, it } from "vitest";
import { type DocumentFacts, type DocumentSource, inspectDocument } from "#docket/media/inspect-document";
import { KeptPdfium } from "#docket/media/kept-pdfium";
import { createSparsePdf } from "./support/sparse-pdf.ts";

const run = promisify(execFile);
const megabyte = 1_000_000;

describe("a sound PDF", () => {
  it("tells its pages and its largest sides, as displayed", async () => {
    const pdf = await PDFDocument.create();
    pdf.addPage([612, 792]);
    pdf.addPage([1000, 200]).setRotation(degrees(90));
    pdf.addPage([300, 900]);
    expect(await inspect(await pdf.save())).toMatchObject({
      mediaType: "application/pdf",
      pages: 3,
      unit: "points",
      widest: 612,
      tallest: 1000,
      pagesMeasured: 3,
      encrypted: false,
      ownerRestricted: false,
      xfa: false,
      problems: [],
    });
  });

  it("tells the same after any number of others, broken ones among them", async () => {
    const [one, two] = await Promise.all([
      onePage(),
      createSparsePdf({ pages: 300, imageBytes: 100, scattered: false }),
    ]);
    const look = async () => {
      expect(await inspect(one)).toMatchObject({ pages: 1, problems: [] });
      expect(await inspectDocument(two, { timeoutMilliseconds: 20_000 })).toMatchObject({ pages: 300, widest: 612 });
    };
    // More than one pdfium is used for; a broken document ends the thread that it was looked at in.
    for (let round = 0; round < 55; round++) await look();
    for (let round = 0; round < 3; round++) {
      await expect(inspect(one.subarray(0, one.length / 4))).rejects.toMatchObject({ type: "Corrupt" });
      await look();
    }
  });

  it("is read by a pdfium that has read others, up to a hundred, whose memory has not grown and who gave it back", async () => {
    const kept = new KeptPdfium();
    const first = await kept.take();
    kept.giveBack();
    for (let use = 2; use <= 100; use++) {
      expect((await kept.take()) === first, `use ${use}`).toBe(true);
      kept.giveBack();
    }
    const second = await kept.take();
    // Compared here, because a pdfium cannot be shown.
    expect(second === first).toBe(false);
    const { malloc, free } = second.pdfium.wasmExports;
    free(malloc(64 * megabyte));
    kept.giveBack();
    const third = await kept.take();
    expect(third === second).toBe(false);
    expect((await kept.take()) === third).toBe(false);
  });

  it("may have something else before its header", async () => {
    const pdf = await onePage();
    const junk = Buffer.from("Received: from a gateway\r\n".repeat(20));
    expect(await inspect(Buffer.concat([junk, pdf]))).toMatchObject({ mediaType: "application/pdf", pages: 1 });
  });

  it("of 400 MB and 3,000 pages takes few reads", async () => {
    const pdf = createSparsePdf({ pages: 3000, imageBytes: 134_000, scattered: false });
    expect(pdf.size).toBeGreaterThan(400 * megabyte);
    expect(await inspectDocument(pdf, { timeoutMilliseconds: 20_000 })).toMatchObject({
      pages: 3000,
      pagesMeasured: 3000,
      widest: 612,
    });
    expect(pdf.bytesRead).toBeLessThan(megabyte);
    expect(pdf.requests).toBeLessThan(16);
  });

  it("whose pages are scattered over 400 MB is measured in part and counted whole", async () => {
    const pdf = createSparsePdf({ pages: 3000, imageBytes: 134_000, scattered: true });
    const facts = await inspectDocument(pdf, { timeoutMilliseconds: 20_000 });
    expect(facts).toMatchObject({ pages: 3000, widest: 612, tallest: 792 });
    expect(facts.pagesMeasured).toBeGreaterThan(100);
    expect(facts.pagesMeasured).toBeLessThan(3000);
    expect(pdf.bytesRead).toBeLessThan(18 * megabyte);
  });

  it("of 10,000 pages is counted", async () => {
    const pdf = createSparsePdf({ pages: 10_000, imageBytes: 30_000, scattered: false });
    const facts = await inspectDocument(pdf, { timeoutMilliseconds: 20_000 });
    expect(facts).toMatchObject({ pages: 10_000, pagesMeasured: 3001 });
    expect(pdf.bytesRead).toBeLessThan(3 * megabyte);
  });

  it("of 400 MB takes less than 64 MB of memory, and its thread does not keep the process alive", async () => {
    const folder = await mkdtemp(join(tmpdir(), "docket-inspect-"));
    try {
      const pdf = createSparsePdf({ pages: 3000, imageBytes: 134_000, scattered: false });
      const path = join(folder, "large.pdf");
      const file = await open(path, "w");
      for (const part of pdf.parts) await file.write(part.bytes, 0, part.bytes.length, part.offset);
      await file.close();
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", memoryProbe, path], {
        cwd: new URL("..", import.meta.url),
        timeout: 20_000,
      });
      const { pages, extraKilobytes } = JSON.parse(stdout);
      expect(pages).toBe(3000);
      expect(extraKilobytes).toBeGreaterThan(1000);
      expect(extraKilobytes).toBeLessThan(64_000);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a PDF that Textract refuses", () => {
  it("is encrypted: a fact, not an error", async () => {
    expect(await inspect(await encrypted({ userPassword: "open sesame", ownerPassword: "owner" }))).toMatchObject({
      encrypted: true,
      pages: 0,
    });
  });

  it("has an owner's password only: it opens, and says so", async () => {
    expect(await inspect(await encrypted({ ownerPassword: "owner" }))).toMatchObject({
      encrypted: false,
      ownerRestricted: true,
      pages: 2,
    });
  });

  it.each([false, true])("is an XFA form (needs rendering: %s)", async (needsRendering) => {
    const pdf = await PDFDocument.create();
    pdf.addPage();
    const stream = pdf.context.register(pdf.context.stream("<template/>"));
    pdf.catalog.set(PDFName.of("AcroForm"), pdf.context.obj({ Fields: [], XFA: [PDFString.of("template"), stream] }));
    if (needsRendering) pdf.catalog.set(PDFName.of("NeedsRendering"), pdf.context.obj(true));
    expect(await inspect(await pdf.save())).toMatchObject({ xfa: true, pages: 1 });
  });

  it("has a plain form: not an XFA form", async () => {
    const pdf = await PDFDocument.create();
    pdf.getForm().createTextField("name").addToPage(pdf.addPage());
    expect(await inspect(await pdf.save())).toMatchObject({ xfa: false });
  });
});

describe("a damaged PDF", () => {
  it("whose cross-reference table is destroyed is repaired", async () => {
    const pdf = Buffer.from(await (await pagesOf(3)).save({ useObjectStreams: false }));
    pdf.fill(" ", pdf.lastIndexOf("xref\n0 "), pdf.lastIndexOf("trailer"));
    expect(await inspect(pdf)).toMatchObject({ pages: 3, pagesMeasured: 3 });
  });

  it.each([
    ["cut off in the middle", async () => cutInTheMiddle()],
    ["without a single object", async () => Buffer.from("%PDF-1.7\nnothing of the kind\n%%EOF")],
    ["whose page tree is a circle", async () => handMade("<< /Type /Pages /Kids [2 0 R] /Count 3 >>")],
    ["whose page tree is a circle without a count", async () => handMade("<< /Type /Pages /Kids [2 0 R 2 0 R] >>")],
    ["whose page tree promises more than it has", async () => handMade("<< /Type /Pages /Kids [3 0 R] /Count 7 >>")],
    ["whose page tree counts fewer than it has", async () => fewerThanItHas()],
    ["whose page tree is missing", async () => handMade("null")],
    ["nested without end", async () => handMade("[".repeat(300_000))],
  ])("%s is corrupt", async (_, make) => {
    await expect(inspect(await make())).rejects.toMatchObject({
      name: "DocketError",
      type: "Corrupt",
      message: expect.stringContaining("exhibit.pdf"),
    });
  });

  it("that unpacks to more memory than it may take is corrupt", async () => {
    await expect(inspect(objectStreamOf(200 * megabyte))).rejects.toMatchObject({
      type: "Corrupt",
      message: expect.stringContaining("64 MiB of memory"),
    });
  });

  it("that would have to be read whole is corrupt", async () => {
    const source = counted(Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(3 * megabyte, "x ")]));
    await expect(inspectDocument(source, { timeoutMilliseconds: 20_000, budgetBytes: megabyte })).rejects.toMatchObject(
      {
        type: "Corrupt",
      },
    );
    expect(source.bytesRead).toBeLessThanOrEqual(megabyte);
  });

  it("does not spoil the documents after it", async () => {
    const good = await onePage();
    const bad = handMade("<< /Type /Pages /Kids [2 0 R] /Count 3 >>");
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => inspect(i % 2 === 0 ? good : bad)));
    expect(results.map((result) => result.status)).toEqual(
      results.map((_, i) => (i % 2 === 0 ? "fulfilled" : "rejected")),
    );
  });
});

describe("the end of a look", () => {
  it("comes in time for a document that takes too long, and blames the document", async () => {
    const endless = counted(Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(60 * megabyte, "1 0 obj <<")]));
    const started = performance.now();
    await expect(inspectDocument(endless, { timeoutMilliseconds: 300 })).rejects.toMatchObject({
      type: "Corrupt",
      message: expect.stringContaining("could not be made out within 0.3 s"),
    });
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it("comes in time for a source that does not answer, and blames the storage", async () => {
    const pdf = await onePage();
    let reads = 0;
    const source: DocumentSource = {
      size: pdf.length,
      read: (offset, length) =>
        reads++ < 1 ? Promise.resolve(pdf.subarray(offset, offset + length)) : new Promise(() => {}),
    };
    await expect(inspectDocument(source, { timeoutMilliseconds: 10_000 })).rejects.toMatchObject({
      type: "StorageUnavailable",
    });
  });

  it("is the signal's own reason", async () => {
    const pdf = await onePage();
    const controller = new AbortController();
    const reason = new Error("cancelled by its owner");
    let reads = 0;
    const source: DocumentSource = {
      size: pdf.length,
      read(offset, length) {
        // The first read is for the media type, the second is pdfium's.
        if (reads++ === 0) return Promise.resolve(pdf.subarray(offset, offset + length));
        controller.abort(reason);
        return new Promise(() => {});
      },
    };
    const options = { timeoutMilliseconds: 5000, signal: controller.signal };
    await expect(inspectDocument(source, options)).rejects.toBe(reason);
    await expect(inspectDocument(source, options)).rejects.toBe(reason);
  });

  it.each([0, 1])("is the source's own error when its read %i fails, never damage", async (failing) => {
    const pdf = await onePage();
    const error = new Error("the bucket is on fire");
    let reads = 0;
    const source: DocumentSource = {
      size: pdf.length,
      read: (offset, length) =>
        reads++ === failing ? Promise.reject(error) : Promise.resolve(pdf.subarray(offset, offset + length)),
    };
    await expect(inspectDocument(source, { timeoutMilliseconds: 5000 })).rejects.toBe(error);
  });

  it("is the storage's failure when it gives less than it has", async () => {
    const pdf = await onePage();
    const source: DocumentSource = {
      size: pdf.length,
      read: (offset, length) => Promise.resolve(pdf.subarray(offset, offset + length - 1)),
    };
    await expect(inspectDocument(source, { timeoutMilliseconds: 5000 })).rejects.toMatchObject({
      type: "StorageUnavailable",
    });
  });
});

describe("a TIFF", () => {
  it.each([true, false])("tells its images and the largest sides (little-endian: %s)", async (littleEndian) => {
    const facts = await inspect(
      tiff(
        [
          [1700, 2200],
          [2550, 3300],
          [4000, 100],
        ],
        { littleEndian },
      ),
    );
    expect(facts).toMatchObject({ mediaType: "image/tiff", pages: 3, unit: "pixels", widest: 4000, tallest: 3300 });
  });

  it("of many images is read at its directories only", async () => {
    const sizes = Array.from({ length: 500 }, () => [1700, 2200] as [number, number]);
    const source = counted(tiff(sizes, { gap: 40_000 }));
    expect(source.size).toBeGreaterThan(20 * megabyte);
    expect(await inspectDocument(source, { timeoutMilliseconds: 10_000 })).toMatchObject({ pages: 500 });
    expect(source.bytesRead).toBeLessThan(5 * megabyte);
  });

  it("is not read on when its time is up", async () => {
    const bytes = tiff(
      Array.from({ length: 500 }, () => [1700, 2200] as [number, number]),
      { gap: 40_000 },
    );
    let reads = 0;
    const slow: DocumentSource = {
      size: bytes.length,
      async read(offset, length) {
        reads += 1;
        await sleep(20);
        return bytes.subarray(offset, offset + length);
      },
    };
    await expect(inspectDocument(slow, { timeoutMilliseconds: 100 })).rejects.toMatchObject({
      type: "StorageUnavailable",
    });
    const begun = reads;
    await sleep(300);
    expect(reads).toBe(begun);
  });

  it.each([
    [
      "whose directories are a circle",
      () =>
        tiff(
          [
            [10, 10],
            [10, 10],
          ],
          { last: 8 },
        ),
    ],
    ["whose last directory is behind its end", () => tiff([[10, 10]], { last: 999_999 })],
    ["without a directory", () => Buffer.from("II*\0\0\0\0\0", "latin1")],
    ["cut off in a directory", () => tiff([[10, 10]]).subarray(0, 20)],
    ["whose image has no size", () => tiff([[0, 10]])],
  ])("%s is corrupt", async (_, make) => {
    await expect(inspect(make())).rejects.toMatchObject({ type: "Corrupt" });
  });

  it("of more than 10,000 images is not counted to its end", async () => {
    const sizes = Array.from({ length: 10_001 }, () => [1, 1] as [number, number]);
    await expect(inspect(tiff(sizes))).rejects.toMatchObject({ type: "TooManyPages" });
  });
});

describe("a JPEG and a PNG", () => {
  const sample = (name: string) => readFile(new URL(`../samples/${name}`, import.meta.url));

  it("tell their sizes", async () => {
    const sizes = { pages: 1, unit: "pixels", widest: 1700, tallest: 2200, problems: [] };
    expect(await inspect(await sample("invoice.jpg"))).toMatchObject({ mediaType: "image/jpeg", ...sizes });
    expect(await inspect(await sample("court-order.png"))).toMatchObject({ mediaType: "image/png", ...sizes });
  });

  it("that are cut off still tell their sizes, and that they are cut off", async () => {
    for (const name of ["invoice.jpg", "court-order.png"]) {
      const facts = await inspect((await sample(name)).subarray(0, 60_000));
      expect(facts).toMatchObject({ pages: 1, widest: 1700 });
      expect(facts.problems).toHaveLength(1);
    }
  });

  it.each([
    ["a JPEG that ends in its first segment", () => Buffer.from("ffd8ffe000104a464946", "hex")],
    ["a JPEG that begins with its picture", () => Buffer.from(`ffd8ffda${"00".repeat(40)}`, "hex")],
    ["a JPEG of fill bytes", () => Buffer.concat([Buffer.from("ffd8", "hex"), Buffer.alloc(megabyte, 0xff)])],
    ["a PNG without a header chunk", () => Buffer.from(`89504e470d0a1a0a${"00".repeat(40)}`, "hex")],
    ["a PNG of no width", () => Buffer.from(`89504e470d0a1a0a0000000d49484452${"00".repeat(13)}`, "hex")],
  ])("%s: corrupt", async (_, make) => {
    await expect(inspect(make())).rejects.toMatchObject({ type: "Corrupt" });
  });
});

describe("anything else", () => {
  it.each([
    ["a text", Buffer.from("Dear Sir or Madam")],
    ["a ZIP", Buffer.from("PK\x03\x04 and so on")],
    ["a BigTIFF", Buffer.from("II+\0\x08\0\0\0", "latin1")],
    ["a header that comes too late", Buffer.concat([Buffer.alloc(1100, " "), Buffer.from("%PDF-1.7\n")])],
  ])("%s is unsupported", async (_, bytes) => {
    await expect(inspect(bytes)).rejects.toMatchObject({ type: "UnsupportedMedia" });
  });

  it("that is empty is corrupt", async () => {
    await expect(inspect(Buffer.alloc(0))).rejects.toMatchObject({ type: "Corrupt" });
  });
});

function inspect(bytes: Uint8Array): Promise<DocumentFacts> {
  return inspectDocument(counted(bytes), { timeoutMilliseconds: 15_000, name: "exhibit.pdf" });
}

function counted(bytes: Uint8Array) {
  return {
    size: bytes.length,
    bytesRead: 0,
    async read(offset: number, length: number) {
      this.bytesRead += length;
      return bytes.subarray(offset, offset + length);
    },
  };
}

async function pagesOf(count: number) {
  const pdf = await PDFDocument.create();
  for (let i = 0; i < count; i++) pdf.addPage().drawText(`Page ${i + 1}`, { x: 72, y: 700 });
  return pdf;
}

async function onePage(): Promise<Uint8Array> {
  return (await pagesOf(1)).save();
}

async function encrypted(passwords: { userPassword?: string; ownerPassword: string }): Promise<Uint8Array> {
  const pdf = await EncryptingPdfDocument.create();
  pdf.addPage();
  pdf.addPage();
  await pdf.encrypt(passwords);
  return pdf.save();
}

/** A document whose end, with page tree and catalog, is gone: the usual result of an upload that broke off. */
function cutInTheMiddle(): Buffer {
  const pdf = createSparsePdf({ pages: 20, imageBytes: 2000, scattered: true });
  const whole = Buffer.alloc(pdf.size);
  for (const part of pdf.parts) part.bytes.copy(whole, part.offset);
  return whole.subarray(0, pdf.size / 2);
}

/** Three pages in an object stream, of which the tree's root says that they are one. */
async function fewerThanItHas(): Promise<Uint8Array> {
  const pdf = await pagesOf(3);
  pdf.catalog.Pages().set(PDFName.of("Count"), PDFNumber.of(1));
  return pdf.save();
}

/** A document of one page whose page tree's root is written by hand. */
function handMade(pageTree: string): Buffer {
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    pageTree,
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
  ];
  let text = "%PDF-1.4\n";
  const offsets = objects.map((body, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${body}\nendobj\n`;
    return `${String(at).padStart(10, "0")} 00000 n \n`;
  });
  const start = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${offsets.join("")}trailer\n<< /Size 4 /Root 1 0 R >>\n`;
  return Buffer.from(`${text}startxref\n${start}\n%%EOF\n`, "latin1");
}

/** A small document whose catalog lies in an object stream that unpacks to a huge one. */
function objectStreamOf(bytes: number): Buffer {
  const index = "1 0 2 34 3 90 ".padEnd(20);
  const head = `${"<< /Type /Catalog /Pages 2 0 R >>".padEnd(34)}${"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".padEnd(56)}`;
  const content = Buffer.alloc(bytes, " ");
  content.write(`${index}${head}<< /Type /Page /Parent 2 0 R >>`, "latin1");
  const packed = deflateSync(content, { level: 9 });
  const dict = `<< /Type /ObjStm /N 3 /First 20 /Filter /FlateDecode /Length ${packed.length} >>`;
  const objectStream = Buffer.concat([
    Buffer.from(`4 0 obj\n${dict}\nstream\n`),
    packed,
    Buffer.from("\nendstream\nendobj\n"),
  ]);
  const header = Buffer.from("%PDF-1.5\n");
  const start = header.length + objectStream.length;
  const row = (type: number, second: number, third: number) => {
    const entry = Buffer.alloc(6);
    entry.writeUInt8(type, 0);
    entry.writeUInt32BE(second, 1);
    entry.writeUInt8(third, 5);
    return entry;
  };
  const rows = [row(0, 0, 255), row(2, 4, 0), row(2, 4, 1), row(2, 4, 2), row(1, header.length, 0), row(1, start, 0)];
  const xref = Buffer.concat([
    Buffer.from("5 0 obj\n<< /Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R /Length 36 >>\nstream\n"),
    ...rows,
    Buffer.from(`\nendstream\nendobj\nstartxref\n${start}\n%%EOF\n`),
  ]);
  return Buffer.concat([header, objectStream, xref]);
}

/** Directories without pictures: nothing here looks at pictures. */
function tiff(
  sizes: [width: number, height: number][],
  options: { littleEndian?: boolean; gap?: number; last?: number } = {},
): Buffer {
  const little = options.littleEndian ?? true;
  const directoryBytes = 2 + 2 * 12 + 4;
  const stride = directoryBytes + (options.gap ?? 0);
  const bytes = Buffer.alloc(8 + stride * sizes.length);
  const u16 = (value: number, at: number) => (little ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at));
  const u32 = (value: number, at: number) => (little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at));
  bytes.write(little ? "II" : "MM", 0, "latin1");
  u16(42, 2);
  u32(8, 4);
  sizes.forEach(([width, height], i) => {
    const at = 8 + stride * i;
    u16(2, at);
    // Width as a SHORT, height as a LONG: both are allowed.
    u16(256, at + 2);
    u16(3, at + 4);
    u32(1, at + 6);
    u16(width, at + 10);
    u16(257, at + 14);
    u16(4, at + 16);
    u32(1, at + 18);
    u32(height, at + 22);
    u32(i + 1 < sizes.length ? at + stride : (options.last ?? 0), at + 26);
  });
  return bytes;
}

/**
 * Looks at a file in a process of its own and prints by how much its greatest resident size grew. That size is VmHWM:
 * the `maxRSS` of a process begins with that of the process that started it.
 */
const memoryProbe = `
  import { readFileSync } from "node:fs";
  import { open } from "node:fs/promises";
  import { inspectDocument } from "#docket/media/inspect-document";
  const file = await open(process.argv[1]);
  const { size } = await file.stat();
  const source = {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      await file.read(bytes, 0, length, offset);
      return bytes;
    },
  };
  const highestKilobytes = () => Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]);
  const before = highestKilobytes();
  const { pages } = await inspectDocument(source, { timeoutMilliseconds: 15000 });
  console.log(JSON.stringify({ pages, extraKilobytes: highestKilobytes() - before }));
  await file.close();
`;
