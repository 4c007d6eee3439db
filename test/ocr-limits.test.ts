import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PDFName, PDFNumber, type PDFRef } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadOcrSettings } from "#docket/config";
import type { RecognizedPage } from "#docket/contract/page";
import {
  addScan,
  drawProse,
  type Picture,
  pictureOfProse,
  prose,
  recognize,
  usualLimits,
  wrapPng,
  writePdf,
} from "./ocr-documents.ts";
import { childrenOf, killIfAlive } from "./support/child-processes.ts";
import { onceWithinPage } from "./support/within-page.ts";

const mebibyte = 2 ** 20;
const linux = process.platform === "linux";
let folder: string;
let clean: Picture;
/** Four scanned pages, each with its number. */
let scans: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-ocr-limits-"));
  clean = await pictureOfProse(200);
  scans = await writePdf(folder, "scans.pdf", async (pdf, font) => {
    for (let i = 1; i <= 4; i++) {
      const page = await addScan(pdf, clean);
      page.drawText(`Page ${i}`, { x: 72, y: 400, size: 20, font });
    }
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const children = () => childrenOf(process.pid, "recognize-child");

const numbers = (pages: readonly RecognizedPage[]) => pages.map((page) => page.number);

describe("the memory of a recognition", () => {
  it.runIf(linux)("is limited by the kernel, for a child that holds no secrets and is the first to go", async () => {
    const seen: { limits: string; badness: string; environment: string }[] = [];
    process.env["AWS_SECRET_ACCESS_KEY"] = "a secret of the parent";
    try {
      await recognize(
        scans,
        {},
        {
          pages: [1],
          onPage() {
            const [pid] = children();
            const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
            seen.push({ limits: read("limits"), badness: read("oom_score_adj"), environment: read("environ") });
          },
        },
      );
    } finally {
      delete process.env["AWS_SECRET_ACCESS_KEY"];
    }
    const [child] = seen;
    const [, dataBytes = "unlimited"] = /^Max data size\s+(\S+)/m.exec(child?.limits ?? "") ?? [];
    // Node 24 reserves half a gibibyte that it does not use; that comes on top.
    expect(Number(dataBytes)).toBeLessThan(usualLimits.memoryBytes + 640 * mebibyte);
    expect(Number(dataBytes)).toBeGreaterThanOrEqual(usualLimits.memoryBytes);
    // Should this process be killed while a decoder runs without end, nothing else would end the child.
    const [, seconds = "unlimited"] = /^Max cpu time\s+(\S+)/m.exec(child?.limits ?? "") ?? [];
    expect(Number(seconds)).toBeGreaterThan(usualLimits.documentMilliseconds / 1000);
    expect(Number(seconds)).toBeLessThan((3 * usualLimits.documentMilliseconds) / 1000);
    expect(child?.badness.trim()).toBe("1000");
    expect(child?.environment).not.toContain("secret");
  });

  it("stays the same however many pages there are", async () => {
    const short = await recognize("samples/production-60-pages.pdf", { maxPages: 60 }, { pages: [1, 2] });
    const long = await recognize(
      "samples/production-60-pages.pdf",
      { maxPages: 60 },
      { pages: [1, 2, 3, 4, 5, 6, 7, 8] },
    );
    const [few, many] = [short.peakResidentBytes / mebibyte, long.peakResidentBytes / mebibyte];
    console.log(`peak of 2 pages ${few.toFixed(0)} MiB, of 8 pages ${many.toFixed(0)} MiB`);
    expect(numbers(long.read)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(few).toBeGreaterThan(20);
    // When V8 collects is its own affair; eight pages that are kept would take far more.
    expect(many).toBeLessThan(200);
  });

  it("that does not suffice is the failure of the page that needs it, and of no other", async () => {
    const large = await pictureOfProse(
      300,
      Array.from({ length: 34 }, (_, i) => prose[i % prose.length] ?? ""),
    );
    const file = await writePdf(folder, "memory.pdf", async (pdf, font) => {
      drawProse(pdf.addPage([612, 792]), font);
      await addScan(pdf, large);
      drawProse(pdf.addPage([612, 792]), font);
    });
    const { read, failures, peakResidentBytes } = await recognize(file, { memoryBytes: 90 * mebibyte });
    expect(numbers(read)).toEqual([1, 3]);
    expect(failures.map(({ page, failure }) => [page, failure.type])).toEqual([[2, "OutOfMemory"]]);
    expect(failures[0]?.failure.message).toContain("memory.pdf");
    // When V8 collects what was inflated of the large image is its own affair: from 91 to 117 were seen.
    expect(peakResidentBytes).toBeGreaterThan(20 * mebibyte);
    expect(peakResidentBytes).toBeLessThan(200 * mebibyte);
  });

  it("is not spent on a picture that only claims to be huge", async () => {
    const bomb = wrapPng({ width: 100_000, height: 100_000, bitDepth: 1, colour: 0 }, new Uint8Array(12_501));
    const file = join(folder, "bomb.png");
    await writeFile(file, bomb);
    const { failures, peakResidentBytes } = await recognize(file);
    expect(failures).toMatchObject([{ page: 1, failure: { type: "LocalLimitExceeded" } }]);
    expect(peakResidentBytes).toBeGreaterThan(20 * mebibyte);
    expect(peakResidentBytes).toBeLessThan(200 * mebibyte);
  });
});

describe("the time of a recognition", () => {
  it("is refused in the settings where it is more than a timer can count, which would go off at once", () => {
    expect(() => loadOcrSettings({ DOCKET_OCR_DOCUMENT_SECONDS: "2592000" })).toThrow(
      "DOCKET_OCR_DOCUMENT_SECONDS must be at most 2000000",
    );
  });

  it("that a page does not keep is its failure, after a second try with fewer pixels", async () => {
    const attempts: number[] = [];
    const { read, failures } = await recognize(
      scans,
      { pageMilliseconds: 1 },
      {
        pages: [2],
        onHeartbeat: ({ page }) => void attempts.push(page),
      },
    );
    expect(read).toEqual([]);
    expect(failures).toMatchObject([{ page: 2, failure: { type: "OutOfTime" } }]);
    expect(attempts.filter((page) => page === 2).length).toBeGreaterThanOrEqual(2);
  });

  it("ends the whole document when that has run out, and what was read is kept", async () => {
    const read: RecognizedPage[] = [];
    const onPage = async (page: RecognizedPage) => {
      read.push(page);
      await sleep(6000);
    };
    const late = recognize("samples/service-agreement.pdf", { documentMilliseconds: 15_000 }, { onPage });
    await expect(late).rejects.toMatchObject({
      type: "OutOfTime",
      message: expect.stringContaining("service-agreement.pdf"),
    });
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThan(4);
  });

  it.runIf(linux)("ends within a second of being cancelled, child and all", async () => {
    const cancel = new AbortController();
    let cancelledAt = 0;
    const onHeartbeat = onceWithinPage(() => {
      cancelledAt = performance.now();
      cancel.abort(new Error("enough"));
    });
    const running = recognize("samples/deposition-300dpi.tiff", {}, { signal: cancel.signal, onHeartbeat });
    await expect(running).rejects.toMatchObject({ type: "Cancelled", cause: { message: "enough" } });
    // Of a second, and what a busy machine adds; pages that nobody cancels take far longer.
    expect(performance.now() - cancelledAt).toBeLessThan(5000);
    expect(children()).toEqual([]);
    await expect(recognize(scans, {}, { signal: cancel.signal })).rejects.toMatchObject({ type: "Cancelled" });
  });
});

describe.runIf(linux)("a child that dies", () => {
  it("from outside, at any moment, costs no page and no page twice", async () => {
    let kills = 0;
    const { read, failures } = await recognize(
      scans,
      {},
      {
        onHeartbeat({ page }) {
          if (kills >= 2 || page !== kills + 1) return;
          kills += 1;
          for (const pid of children()) setTimeout(() => killIfAlive(pid), 200);
        },
      },
    );
    expect(kills).toBe(2);
    expect(failures).toEqual([]);
    expect(numbers(read)).toEqual([1, 2, 3, 4]);
    expect(read.map((page) => page.text.includes(`Page ${page.number}`))).toEqual([true, true, true, true]);
  });

  it("on a page, twice, is that page's failure; the pages around it are kept", async () => {
    let deaths = 0;
    const { read, failures } = await recognize(
      scans,
      {},
      {
        onHeartbeat({ page }) {
          if (page !== 2) return;
          for (const pid of children()) {
            deaths += 1;
            process.kill(pid, "SIGSEGV");
          }
        },
      },
    );
    expect(deaths).toBeGreaterThanOrEqual(2);
    expect(numbers(read)).toEqual([1, 3, 4]);
    expect(failures).toMatchObject([{ page: 2, failure: { type: "RecognizerCrashed" } }]);
    expect(failures[0]?.failure.message).toMatch(/scans\.pdf.*page 2.*SIGSEGV/);
  });

  it("while the caller has a page in hand does not bring that page again", async () => {
    let killed = false;
    const read: number[] = [];
    const { failures } = await recognize(
      scans,
      {},
      {
        pages: [1, 2],
        async onPage(page) {
          read.push(page.number);
          if (killed) return;
          killed = true;
          for (const pid of children()) process.kill(pid, "SIGKILL");
          await sleep(500);
        },
      },
    );
    expect({ read, failures }).toEqual({ read: [1, 2], failures: [] });
  });
});

describe("the caller of a recognition", () => {
  it("gets one page at a time, in order, from where it wants to go on", async () => {
    let inHand = 0;
    const most: number[] = [];
    const { read, pages } = await recognize(
      "samples/service-agreement.pdf",
      {},
      {
        firstPage: 2,
        async onPage() {
          inHand += 1;
          most.push(inHand);
          await sleep(50);
          inHand -= 1;
        },
      },
    );
    expect(read).toEqual([]);
    expect({ pages, most }).toEqual({ pages: 4, most: [1, 1, 1] });
    expect(numbers((await recognize("samples/service-agreement.pdf", {}, { pages: [4, 2, 9] })).read)).toEqual([4, 2]);
  });

  it.runIf(linux)("that fails to take a page gets its own error, and no child is left", async () => {
    const onPage = () => Promise.reject(new Error("the database is gone"));
    await expect(recognize(scans, {}, { onPage })).rejects.toThrow("the database is gone");
    expect(children()).toEqual([]);
  });

  it("is told of pages that the document does not count, instead of getting it without them", async () => {
    const file = await writePdf(folder, "uncounted.pdf", (pdf) => {
      for (let i = 0; i < 3; i++) pdf.addPage([612, 792]);
      const [first, ...others] = pdf.getPages().map(({ ref }) => ref);
      // Of the two kids of the root one has two pages, and says that it has one.
      const node = pdf.context.register(pdf.context.obj({ Type: "Pages", Count: 1, Kids: others }));
      pdf.catalog.Pages().set(PDFName.of("Kids"), pdf.context.obj([first, node] as PDFRef[]));
      pdf.catalog.Pages().set(PDFName.of("Count"), PDFNumber.of(2));
    });
    await expect(recognize(file)).rejects.toMatchObject({
      type: "Corrupt",
      message: "uncounted.pdf says that it has 2 pages, but holds more: readers leave the others out.",
    });
  });

  it("is told what is wrong with a document that cannot be read", async () => {
    const files = {
      "words.txt": "Just a few words.",
      "damaged.pdf": `%PDF-1.7\n${"no objects here ".repeat(500)}`,
      "cut.tiff": "II*\0\x08\0\0\0\x20\0",
    };
    const types: Record<string, string> = {};
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, name);
      await writeFile(file, content, "latin1");
      const error = await recognize(file).catch((failure) => failure);
      types[name] = error.type;
      expect(error.message).toContain(name);
    }
    expect(types).toEqual({ "words.txt": "UnsupportedMedia", "damaged.pdf": "Corrupt", "cut.tiff": "Corrupt" });
    await writeFile(join(folder, "empty.pdf"), "");
    await expect(recognize(join(folder, "empty.pdf"))).rejects.toMatchObject({ type: "Corrupt" });
    await expect(recognize(join(folder, "missing.pdf"))).rejects.toMatchObject({ type: "FileUnreadable" });
    const unknown = recognize(scans, { language: "tlh" }, { pages: [1] });
    await expect(unknown).rejects.toMatchObject({ type: "InvalidInput", message: expect.stringContaining("tlh") });
  });
});
