import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NativeProcess } from "#docket/ocr/native-process";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-output-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Row that tells of a page: the document's and the mark's take turns, counted from 1 on. */
const pageRow = (page: number) => `1\t${page}\t0\t0\t0\t0\t0\t0\t100\t100\t-1\t\n`;
/** Row of a word, whose line and word numbers are those of `place`. */
const wordRow = (page: number, place: string, text: string) => `5\t${page}\t1\t1\t${place}\t9\t9\t9\t9\t90\t${text}\n`;

/** Rows whose last `bytes` bytes begin in the middle of a row, with what the row of page `page` begins with. */
function rowsThatEndLike(bytes: number, page: number, of: number, after = ""): string {
  const row = wordRow(of, `${page}\t1`, "cut");
  const begin = row.slice(row.indexOf(`1\t${page}\t`));
  const filler = (length: number) => wordRow(of, "1\t1", "x".repeat(length));
  return row + filler(bytes - begin.length - filler(0).length - after.length) + after;
}

/** A program in the place of `tesseract` that prints the pieces of each page with a pause between them. */
async function printing(name: string, pages: (string | Buffer)[][]): Promise<NativeProcess> {
  const program = join(folder, name);
  let script = "#!/bin/sh\n";
  for (const [page, pieces] of pages.entries()) {
    script += "read page; read mark\n";
    for (const [i, piece] of pieces.entries()) {
      const file = join(folder, `${name}-${page}-${i}`);
      await writeFile(file, piece);
      script += `cat ${file}; sleep 0.3\n`;
    }
  }
  await writeFile(program, `${script}read page\n`);
  await chmod(program, 0o755);
  const limits = { dataBytes: 256 * 2 ** 20, seconds: 10 };
  return new NativeProcess("eng", { program, data: folder, pictures: folder, ...limits }, 150);
}

describe("a page's rows end with the mark's, wherever the output is cut", () => {
  it.each([1000, 4096, 65_536])("a row in the middle of %i bytes that looks like the mark is none", async (bytes) => {
    const first = pageRow(1) + rowsThatEndLike(bytes, 2, 1);
    const engine = await printing(`within-${bytes}`, [
      [first, wordRow(1, "9\t9", "late") + pageRow(2)],
      [pageRow(3) + wordRow(3, "1\t1", "second") + pageRow(4)],
    ]);
    expect(await engine.read(false)).toContain("late");
    const second = await engine.read(true);
    expect(second).toContain("second");
    expect(second).not.toContain("late");
    await engine.end();
  });

  it.each([1000, 4096])("what is left of a page, %i bytes, is not the next one's", async (bytes) => {
    const engine = await printing(`between-${bytes}`, [
      [pageRow(1) + rowsThatEndLike(bytes, 4, 1, pageRow(2))],
      [pageRow(3) + wordRow(3, "1\t1", "second"), wordRow(3, "1\t2", "half") + pageRow(4)],
    ]);
    expect(await engine.read(false)).toContain("cut");
    expect(await engine.read(true)).toMatch(/second[\s\S]*half/);
    await engine.end();
  });

  it("rows, and characters of several bytes, that come in pieces are put together", async () => {
    const rows = Buffer.from(pageRow(1) + wordRow(1, "1\t1", "Straße") + pageRow(2));
    const middle = rows.indexOf("ß") + 1;
    const engine = await printing("bytes", [[rows.subarray(0, middle), rows.subarray(middle)]]);
    expect(await engine.read(true)).toContain("\tStraße");
    await engine.end();
  });
});
