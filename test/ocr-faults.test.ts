import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PDFName, PDFRawStream } from "pdf-lib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RecognizedPage } from "#docket/contract/page";
import { addScan, drawProse, pictureOfProse, recognize, writePdf } from "./ocr-documents.ts";
import { childrenOf, killIfAlive } from "./support/child-processes.ts";

const mebibyte = 2 ** 20;
let folder: string;
/** Six scanned pages, each with its number. */
let scans: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-ocr-faults-"));
  const picture = await pictureOfProse(150);
  scans = await writePdf(folder, "scans.pdf", async (pdf, font) => {
    for (let i = 1; i <= 6; i++) {
      const page = await addScan(pdf, picture);
      page.drawText(`Page ${i}`, { x: 72, y: 400, size: 20, font });
    }
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const recognizers = () => childrenOf(process.pid, "recognize-child");
const numbers = (pages: readonly RecognizedPage[]) => pages.map((page) => page.number);

/** A page that takes many seconds to be drawn, and next to nothing to be parsed. */
async function slowPage(name: string): Promise<string> {
  return writePdf(folder, name, (pdf, font) => {
    drawProse(pdf.addPage([612, 792]), font);
    const page = pdf.addPage([612, 792]);
    const strokes = Array.from({ length: 60_000 }, (_, i) => `${i % 612} 0 m ${(i * 7) % 612} 792 l S`);
    const stream = PDFRawStream.of(pdf.context.obj({}), Buffer.from(`30 w\n${strokes.join("\n")}`, "latin1"));
    page.node.set(PDFName.of("Contents"), pdf.context.register(stream));
  });
}

describe.runIf(process.platform === "linux")("a recognition whose child is ended", () => {
  it("at pages that nobody foresaw goes on with the page that it had reached", async () => {
    const unlucky = new Set([1, 4, 5]);
    const { read, failures } = await recognize(
      scans,
      {},
      {
        onHeartbeat({ page }) {
          if (!unlucky.delete(page)) return;
          for (const pid of recognizers()) setTimeout(() => killIfAlive(pid), 37 * page);
        },
      },
    );
    expect(unlucky.size).toBe(0);
    expect(failures).toEqual([]);
    expect(numbers(read)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(read.every(({ number, text }) => text.includes(`Page ${number}`))).toBe(true);
  });

  it("once by its decoder reads that page alone and coarser, and loses nothing", async () => {
    let crashed = false;
    const { read, failures } = await recognize(
      scans,
      {},
      {
        pages: [2, 3],
        onHeartbeat({ page }) {
          if (crashed || page !== 2) return;
          crashed = true;
          for (const pid of recognizers()) process.kill(pid, "SIGSEGV");
        },
      },
    );
    expect({ crashed, failures }).toEqual({ crashed: true, failures: [] });
    expect(numbers(read)).toEqual([2, 3]);
  });
});

describe("a recognition", () => {
  it.runIf(process.platform === "linux")("that is cancelled while a page is drawn ends within a second", async () => {
    const cancel = new AbortController();
    let cancelledAt = 0;
    const running = recognize(
      await slowPage("slow.pdf"),
      {},
      {
        signal: cancel.signal,
        onHeartbeat({ page }) {
          if (page !== 2 || cancelledAt > 0) return;
          cancelledAt = performance.now() + 700;
          setTimeout(() => cancel.abort(), 700);
        },
      },
    );
    await expect(running).rejects.toMatchObject({ type: "Cancelled" });
    // Of a second, and what a busy machine adds.
    expect(performance.now() - cancelledAt).toBeLessThan(5000);
    expect(recognizers()).toEqual([]);
  });

  it("that takes too long to draw a page says so of that page; the others are kept", async () => {
    const { read, failures } = await recognize(await slowPage("late.pdf"), { pageMilliseconds: 4000 });
    expect(numbers(read)).toEqual([1]);
    expect(failures).toMatchObject([{ page: 2, failure: { type: "OutOfTime" } }]);
    expect(failures[0]?.failure.message).toMatch(/late\.pdf: page 2 was not read within 4 s/);
  });

  it("is refused above the limits of size and of pages, each under its own name", async () => {
    await expect(recognize(scans, { maxPages: 5 })).rejects.toMatchObject({
      type: "LocalLimitExceeded",
      message: "scans.pdf has 6 pages; the local limit is 5.",
    });
    await expect(recognize(scans, { maxBytes: 1000 })).rejects.toMatchObject({
      type: "LocalLimitExceeded",
      message: expect.stringMatching(/scans\.pdf has \d+ bytes; the local limit is 1000\./),
    });
  });
});

describe.runIf(process.platform === "linux")("where the system enforces no limit of memory", () => {
  const platform = Object.getOwnPropertyDescriptor(process, "platform") as PropertyDescriptor;
  afterEach(() => void Object.defineProperty(process, "platform", platform));

  it("a child is watched, and ended when it holds too much", async () => {
    // This side takes the way that it takes on macOS, `ps` and all; the child is an ordinary one.
    Object.defineProperty(process, "platform", { ...platform, value: "darwin" });
    const limits: string[] = [];
    const watched = await recognize(
      scans,
      {},
      {
        pages: [1],
        onPage() {
          for (const pid of recognizers()) limits.push(readFileSync(`/proc/${pid}/limits`, "utf8"));
        },
      },
    );
    expect(limits[0]).toMatch(/^Max data size\s+unlimited/m);
    expect(watched.failures).toEqual([]);
    expect(watched.peakResidentBytes).toBeGreaterThan(50 * mebibyte);
    const error = await recognize(scans, { memoryBytes: 40 * mebibyte }).catch((failure) => failure);
    expect(error).toMatchObject({ type: "OutOfMemory", message: expect.stringMatching(/it held \d+ MiB of memory/) });
    expect(recognizers()).toEqual([]);
  });
});
