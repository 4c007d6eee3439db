import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { degrees, PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecognizedPage } from "#docket/contract/page";
import { openDocument } from "#docket/media/pdfium";
import { openDocumentFile } from "#docket/ocr/document-file";
import {
  addScan,
  createNoise,
  encodePng,
  encodeTiff,
  mapPixels,
  type Picture,
  pictureOfProse,
  prose,
  recognize,
  skew,
  turnQuarters,
  wrapPng,
  writePdf,
} from "./ocr-documents.ts";
import { wordRecall } from "./support/word-recall.ts";

let folder: string;
let clean: Picture;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-ocr-"));
  clean = await pictureOfProse(200);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = prose.join("\n");

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

async function onePage(file: string): Promise<RecognizedPage> {
  const { read, failures } = await recognize(file);
  expect(failures).toEqual([]);
  expect(read).toHaveLength(1);
  return read[0] as RecognizedPage;
}

/** Where the middle of a word is, as fractions of the page. */
function middleOf(page: RecognizedPage, text: string): { x: number; y: number } {
  const word = page.lines.flatMap((line) => line.words).find((candidate) => candidate.text === text);
  if (word === undefined) throw new Error(`"${text}" is not on the page: ${page.text}`);
  return { x: word.box.left + word.box.width / 2, y: word.box.top + word.box.height / 2 };
}

function expectNear(actual: { x: number; y: number }, expected: { x: number; y: number }): void {
  expect(Math.abs(actual.x - expected.x), `x ${actual.x}, expected ${expected.x}`).toBeLessThan(0.01);
  expect(Math.abs(actual.y - expected.y), `y ${actual.y}, expected ${expected.y}`).toBeLessThan(0.01);
}

describe("a scanned page", () => {
  it("is read with its lines in order, words with boxes on the print, and confidences", async () => {
    const file = await writePdf(folder, "scan.pdf", async (pdf) => void (await addScan(pdf, clean)));
    const page = await onePage(file);
    expect(page.lines.map((line) => line.text)).toEqual(prose);
    expect(page.text).toBe(text);
    expect(page).toMatchObject({ number: 1, width: 612, height: 792, source: "recognition" });
    expect(page.confidence).toBeGreaterThan(90);
    for (const { box, words } of page.lines) {
      // There is ink in every word's box, and its line's box holds it.
      for (const word of words) {
        expect(darkest(clean, word.box), word.text).toBeLessThan(100);
        expect(word.box.left).toBeGreaterThanOrEqual(box.left - 1e-9);
        expect(word.box.top + word.box.height).toBeLessThanOrEqual(box.top + box.height + 1e-9);
      }
    }
    // Nothing is printed beside the words.
    expectNear(middleOf(page, "harbour"), { x: (72 + 45) / 612, y: 81 / 792 });
  });

  it.each([1, 2, 3])("is read when it went through the scanner turned by %d quarters", async (quarters) => {
    const turned = turnQuarters(clean, quarters);
    const file = await writePdf(folder, `turned-${quarters}.pdf`, async (pdf) => void (await addScan(pdf, turned)));
    const page = await onePage(file);
    expect(wordRecall(text, page.text)).toBe(1);
    let { x, y } = { x: (72 + 45) / 612, y: 81 / 792 };
    for (let quarter = 0; quarter < quarters; quarter++) [x, y] = [1 - y, x];
    expectNear(middleOf(page, "harbour"), { x, y });
  });

  it("is read upright when the page itself says how it is turned", async () => {
    const file = await writePdf(folder, "rotate.pdf", async (pdf) => {
      (await addScan(pdf, turnQuarters(clean, 1))).setRotation(degrees(270));
    });
    const page = await onePage(file);
    expect(page.text).toBe(text);
    expect(page.width).toBeLessThan(page.height ?? 0);
    expectNear(middleOf(page, "harbour"), { x: (72 + 45) / 612, y: 81 / 792 });
  });

  it("is read when it lies askew, and its boxes are where the words are seen", async () => {
    const askew = skew(clean, 6);
    const file = await writePdf(folder, "skew.pdf", async (pdf) => void (await addScan(pdf, askew)));
    const page = await onePage(file);
    expect(wordRecall(text, page.text)).toBeGreaterThan(0.95);
    const [x, y] = [(72 + 45) / 612 - 0.5, (81 / 792 - 0.5) * (792 / 612)];
    const [cos, sin] = [Math.cos(Math.PI / 30), Math.sin(Math.PI / 30)];
    expectNear(middleOf(page, "harbour"), { x: cos * x - sin * y + 0.5, y: ((sin * x + cos * y) * 612) / 792 + 0.5 });
  });

  it("is read through noise, and in the shadow of a fold", async () => {
    const noise = createNoise();
    const noisy = mapPixels(clean, (value) => 50 + value * 0.66 + 30 * noise());
    const shaded = mapPixels(clean, (value, x, y) => {
      const paper = 190 * (1 - 0.3 * ((x / clean.width) * 0.4 + (y / clean.height) * 0.6));
      return value < 128 ? paper * 0.74 : paper;
    });
    const file = await writePdf(folder, "poor.pdf", async (pdf) => {
      await addScan(pdf, noisy);
      await addScan(pdf, shaded);
    });
    const { read } = await recognize(file);
    expect(read.map((page) => wordRecall(text, page.text) > 0.95)).toEqual([true, true]);
  });

  it("is read when its ink is hardly darker than its paper, and in a shade that is darker than the threshold", async () => {
    const faint = mapPixels(clean, (value) => 150 + (value / 255) * 30);
    const shaded = mapPixels(clean, (value, _, y) => (112 + (value / 255) * 56) * (0.9 + (0.1 * y) / clean.height));
    const file = await writePdf(folder, "faint.pdf", async (pdf) => {
      await addScan(pdf, faint);
      await addScan(pdf, shaded);
    });
    const { read } = await recognize(file);
    expect(read.map((page) => page.text)).toEqual([text, text]);
  });

  it("in two columns is read column after column", async () => {
    const { read } = await recognize("samples/article-two-columns.pdf");
    const truth = await readFile("samples/article-two-columns.txt", "utf8");
    const order = (words: string) => words.split(/\s+/).filter((word) => /^[a-z]{5,}$/.test(word));
    const [expected, actual] = [order(truth), order(read[0]?.text ?? "")];
    // Words that follow one another in print do so in the text, but for the few at the seams.
    const pairs = new Set(actual.map((word, i) => `${word} ${actual[i + 1]}`));
    const kept = expected.filter((word, i) => pairs.has(`${word} ${expected[i + 1]}`)).length;
    expect(kept / expected.length).toBeGreaterThan(0.95);
  });

  it("without anything on it has no text, and is no failure", async () => {
    const file = await writePdf(folder, "blank.pdf", (pdf) => void pdf.addPage([612, 792]));
    expect(await onePage(file)).toMatchObject({ text: "", lines: [], confidence: null, source: "recognition" });
  });

  it("of curves only, without any text object, is read from its picture", async () => {
    const pdf = await PDFDocument.create();
    const page = pdf.addPage([612, 792]);
    // The letters H and I as paths: what a program writes that turns text to outlines.
    for (const x of [100, 400]) {
      page.drawRectangle({ x, y: 500, width: 14, height: 120 });
      page.drawRectangle({ x: x + 60, y: 500, width: 14, height: 120 });
      page.drawRectangle({ x, y: 554, width: 74, height: 12 });
      page.drawRectangle({ x: x + 100, y: 500, width: 14, height: 120 });
    }
    const file = await write("outlines.pdf", await pdf.save());
    const read = await onePage(file);
    expect(read.source).toBe("recognition");
    expect(read.text.replace(/\s/g, "")).toContain("HI");
  });
});

describe("a picture that is a document", () => {
  /** A small part of the page, so that many kinds can be tried. */
  const crop = (): Picture => {
    const [width, height] = [1200, 480];
    const grey = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      grey.set(clean.grey.subarray((y + 150) * clean.width + 150, (y + 150) * clean.width + 150 + width), y * width);
    }
    return { width, height, grey };
  };

  it("is read as PNG: palette, 1 bit, transparent, interlaced", async () => {
    const { width, height, grey } = crop();
    const rowsOf = (bytes: number, fill: (row: Uint8Array, y: number) => void) => {
      const rows = new Uint8Array(height * (bytes + 1));
      for (let y = 0; y < height; y++) fill(rows.subarray(y * (bytes + 1) + 1, (y + 1) * (bytes + 1)), y);
      return rows;
    };
    const bits = rowsOf(width / 8, (row, y) => {
      for (let x = 0; x < width; x++) if (at(x, y) > 127) row[x >> 3] = (row[x >> 3] as number) | (0x80 >> (x & 7));
    });
    // Black letters that the transparency alone draws; where it is white the colour is black as well.
    const transparent = rowsOf(width * 4, (row, y) => {
      for (let x = 0; x < width; x++) row[x * 4 + 3] = 255 - at(x, y);
    });
    function at(x: number, y: number): number {
      return grey[y * width + x] as number;
    }
    // Paper and ink are both black; that the paper is transparent tells them apart.
    const black = new Uint8Array(6);
    const key = rowsOf(width, (row, y) => {
      for (let x = 0; x < width; x++) row[x] = at(x, y) > 127 ? 0 : 30;
    });
    const kinds = {
      "entry.png": wrapPng({ width, height, bitDepth: 1, colour: 3 }, bits, black, Uint8Array.of(255, 0)),
      "key.png": wrapPng({ width, height, bitDepth: 8, colour: 0 }, key, undefined, Uint8Array.of(0, 0)),
      "bits.png": wrapPng({ width, height, bitDepth: 1, colour: 0 }, bits),
      "palette.png": wrapPng({ width, height, bitDepth: 1, colour: 3 }, bits, Uint8Array.of(20, 0, 80, 255, 250, 230)),
      "transparent.png": wrapPng({ width, height, bitDepth: 8, colour: 6 }, transparent),
      "interlaced.png": wrapPng({ width, height, bitDepth: 8, colour: 0, interlaced: true }, adam7(crop())),
    };
    for (const [name, bytes] of Object.entries(kinds)) {
      const page = await onePage(await write(name, bytes));
      expect(page.text, name).toContain("because the tide had carried timber across the channel.");
      expect([page.width, page.height], name).toEqual([width, height]);
    }
  });

  it("is not white paper where it was cut off: it fails, and says so", async () => {
    const { width, height, grey } = crop();
    const tags = { 256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height / 2] };
    const strips = [grey.subarray(0, grey.length / 2), grey.subarray(grey.length / 2)];
    const lastStrip = encodeTiff([{ tags, strips }]);
    // Where the second strip begins, in the table of both: 100 bytes before the end, so that most of it is not there.
    const second = Buffer.from(Uint32Array.of(8, 8 + grey.length / 2).buffer);
    lastStrip.writeUInt32LE(lastStrip.length - 100, lastStrip.indexOf(second) + 4);
    const plain = encodePng(crop());
    const interlaced = wrapPng({ width, height, bitDepth: 8, colour: 0, interlaced: true }, adam7(crop()));
    const cut = {
      "last-strip.tiff": lastStrip,
      "fewer-strips.tiff": encodeTiff([{ tags, strips: strips.slice(1) }]),
      "plain.png": plain.subarray(0, plain.length * 0.7),
      "interlaced.png": interlaced.subarray(0, interlaced.length * 0.7),
    };
    for (const [name, bytes] of Object.entries(cut)) {
      const { read, failures } = await recognize(await write(name, bytes));
      expect(read, name).toEqual([]);
      expect(failures, name).toMatchObject([{ page: 1, failure: { type: "Corrupt" } }]);
    }
    // Only the mark of the end is missing here, and nothing of the picture.
    expect((await onePage(await write("no-end.png", plain.subarray(0, -12)))).text).toContain("timber");
  });

  it("is read beside a picture of the same TIFF that cannot be understood", async () => {
    const paper = { 256: [8], 257: [8], 258: [8], 259: [1], 262: [1], 277: [1], 278: [8] };
    const strips = [new Uint8Array(64).fill(255)];
    // Three widths do not fit into the entry: it says where they are, which is nowhere.
    const tiff = encodeTiff([
      { tags: { ...paper, 256: [8, 8, 8] }, strips },
      { tags: paper, strips },
    ]);
    tiff.writeUInt32LE(0x7fffffff, tiff.indexOf(Buffer.from([0, 1, 3, 0, 3, 0, 0, 0])) + 8);
    const { read, failures } = await recognize(await write("bad-tag.tiff", tiff));
    expect(failures).toMatchObject([{ page: 1, failure: { type: "Corrupt" } }]);
    expect(read.map(({ number }) => number)).toEqual([2]);
  });

  it("is read as JPEG in TIFF's old manner where the length of the data is wrong", async () => {
    const jpeg = await readFile("samples/invoice.jpg");
    const tags = { 256: [1700], 257: [2200], 259: [6], 513: [8], 514: [0xffff_ffff] };
    const file = await openDocumentFile(await write("old.tiff", encodeTiff([{ tags, strips: [jpeg] }])), "old", 9e6);
    expect([...file.unreadable]).toEqual([]);
    expect(file.pdf.size).toBeLessThan(jpeg.length + 4096);
    const document = await openDocument(file.pdf);
    const drawn = document.withPage(1, (page) => document.renderGrey(page, 170, 220));
    expect(drawn.some((value) => value < 128)).toBe(true);
    document.close();
    file.close();
  });

  it("is read as TIFF: each page, whatever its coding, byte order and orientation", async () => {
    const { width, height, grey } = crop();
    const upsideDown = grey.slice().reverse();
    const tags = { 256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height] };
    const deflated = { ...tags, 259: [8], 278: [100] };
    const strips = Array.from({ length: Math.ceil(height / 100) }, (_, i) =>
      deflateSync(grey.subarray(i * 100 * width, (i + 1) * 100 * width)),
    );
    const inverted = { ...tags, 262: [0] };
    const pages = [
      { tags, strips: [grey] },
      { tags: deflated, strips },
      { tags: inverted, strips: [grey.map((value) => 255 - value)] },
      { tags: { ...tags, 259: [32773] }, strips: [packBits(grey)] },
      { tags: { ...tags, 274: [3] }, strips: [upsideDown] },
      { tags: { ...tags, 259: [34712] }, strips: [grey] },
      { tags, strips: [grey] },
    ];
    for (const little of [true, false]) {
      const file = await write(`kinds-${little}.tiff`, encodeTiff(pages, little));
      const { pages: count, read, failures } = await recognize(file, {}, little ? {} : { pages: [2, 5] });
      expect(count).toBe(7);
      for (const page of read) {
        expect(page.text, `page ${page.number}`).toContain("The harbour master closed the northern gate at noon");
      }
      expect(read.map((page) => page.number)).toEqual(little ? [1, 2, 3, 4, 5, 7] : [2, 5]);
      // JPEG 2000, which this reader does not know, is that page's failure alone.
      expect(failures.map(({ page, failure }) => [page, failure.type])).toEqual(
        little ? [[6, "UnsupportedMedia"]] : [],
      );
    }
  });

  it("is read as JPEG and PNG of the samples", async () => {
    for (const name of ["invoice.jpg", "court-order.png"]) {
      const truth = await readFile(`samples/${name.replace(/\.\w+$/, ".txt")}`, "utf8");
      const recall = wordRecall(truth, (await onePage(`samples/${name}`)).text);
      console.log(`${name}: word recall ${recall.toFixed(4)}`);
      expect(recall, name).toBeGreaterThan(0.98);
    }
  });
});

function darkest({ width, height, grey }: Picture, box: { left: number; top: number; width: number; height: number }) {
  let least = 255;
  for (let y = Math.floor(box.top * height); y < (box.top + box.height) * height; y++) {
    for (let x = Math.floor(box.left * width); x < (box.left + box.width) * width; x++) {
      least = Math.min(least, grey[y * width + x] ?? 255);
    }
  }
  return least;
}

/** The rows of the seven passes of an interlaced PNG, each predicted from the row above ("Up"). */
function adam7({ width, height, grey }: Picture): Uint8Array {
  const rows: number[] = [];
  for (const [left, top, step, rowStep] of [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const) {
    let above: number[] = [];
    for (let y = top; y < height; y += rowStep) {
      const row: number[] = [];
      for (let x = left; x < width; x += step) row.push(grey[y * width + x] as number);
      rows.push(2, ...row.map((value, i) => (value - (above[i] ?? 0)) & 255));
      above = row;
    }
  }
  return Uint8Array.from(rows);
}

/** PackBits with runs where there are any (TIFF 6.0, section 9). */
function packBits(bytes: Uint8Array): Uint8Array {
  const packed: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    let run = 1;
    while (run < 128 && bytes[i + run] === bytes[i]) run += 1;
    if (run > 1) packed.push(257 - run, bytes[i] as number);
    else packed.push(0, bytes[i] as number);
    i += run;
  }
  return Uint8Array.from(packed);
}
