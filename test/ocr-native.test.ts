import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadOcrSettings } from "#docket/config";
import { NativeProcess } from "#docket/ocr/native-process";
import { plainTrainedData } from "#docket/ocr/plain-trained-data";
import { addScan, type Picture, pictureOfProse, prose, recognize, writePdf } from "./ocr-documents.ts";

const linux = process.platform === "linux";
const installed = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "tesseract"))
  .find((path) => existsSync(path));
const packaged = join(
  dirname(createRequire(import.meta.url).resolve("@tesseract.js-data/eng/package.json")),
  "4.0.0_best_int/eng.traineddata.gz",
);

// A file system of 200 KB that only one command sees; as another user than root that takes a user namespace.
const ownMount = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
const mountSmall = 'mount -t tmpfs -o size=200k tmpfs "$0"';
const mountable = spawnSync("unshare", [...ownMount, "sh", "-c", mountSmall, tmpdir()]).status === 0;

let folder: string;
let clean: Picture;
let scan: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-native-"));
  clean = await pictureOfProse(150);
  scan = await writePdf(folder, "scan.pdf", async (pdf) => {
    for (let i = 0; i < 2; i++) await addScan(pdf, clean);
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program in the place of `tesseract`, which leaves its process id behind. */
async function program(name: string, script: string): Promise<{ tesseract: string; pid(): number }> {
  const [path, note] = [join(folder, name), join(folder, `${name}.pid`)];
  await writeFile(path, `#!/bin/sh\necho $$ > ${note}\n${script}\n`);
  await chmod(path, 0o755);
  return { tesseract: path, pid: () => (existsSync(note) ? Number(readFileSync(note, "utf8")) : 0) };
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: 10_000, interval: 20 }).toBe(true);
}

describe.runIf(installed !== undefined)("the user's own tesseract", () => {
  it("reads what the engine that comes with Docket reads, with the same data, and its memory counts", async () => {
    const { read, failures, peakResidentBytes } = await recognize(scan, { tesseract: installed });
    expect(failures).toEqual([]);
    expect(read.map(({ text }) => text)).toEqual([prose.join("\n"), prose.join("\n")]);
    expect(read[0]?.lines[0]?.words[1]).toMatchObject({ text: "harbour" });
    console.log(`peak ${(peakResidentBytes / 2 ** 20).toFixed(0)} MiB`);
    expect(peakResidentBytes).toBeLessThan(200 * 2 ** 20);
  });

  it("reads all pages of a document with one process, which ends with it", async () => {
    const started = join(folder, "started");
    const { tesseract, pid } = await program("counted", `echo >> ${started}\nexec ${installed} "$@"`);
    const { read } = await recognize(scan, { tesseract });
    expect(read.map(({ text }) => text)).toEqual([prose.join("\n"), prose.join("\n")]);
    expect(readFileSync(started, "utf8")).toBe("\n");
    expect(isAlive(pid())).toBe(false);
  });

  it("reads with a process for each page where it keeps what it prints until its end", async () => {
    const started = join(folder, "kept");
    const script = `echo >> ${started}\nprinted=$(${installed} "$@") && echo "$printed"`;
    const { tesseract } = await program("keeping", script);
    const { read, failures } = await recognize(scan, { tesseract });
    expect(failures).toEqual([]);
    expect(read.map(({ text }) => text)).toEqual([prose.join("\n"), prose.join("\n")]);
    expect(readFileSync(started, "utf8")).toBe("\n\n");
  });

  it("takes a page on which it finds no words for read", async () => {
    const file = await writePdf(folder, "wordless.pdf", (pdf) => {
      pdf.addPage([612, 792]).drawRectangle({ x: 100, y: 300, width: 300, height: 300 });
    });
    const { tesseract, pid } = await program("wordless", `exec ${installed} "$@"`);
    const { read, failures } = await recognize(file, { tesseract });
    expect(failures).toEqual([]);
    expect(read.map(({ text }) => text)).toEqual([""]);
    expect(pid()).toBeGreaterThan(0);
  });

  it("is told of when there is no folder for its pictures", async () => {
    const missing = join(folder, "nowhere");
    const { TMPDIR } = process.env;
    process.env["TMPDIR"] = missing;
    try {
      await expect(recognize(scan, { tesseract: installed })).rejects.toMatchObject({
        type: "InvalidInput",
        message: expect.stringContaining(missing),
        remedy: expect.stringContaining("TMPDIR"),
      });
    } finally {
      if (TMPDIR === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = TMPDIR;
    }
  });

  it.skipIf(!mountable)("says that the disk is full when a page's picture finds no room", async () => {
    const small = await mkdtemp(join(folder, "small-"));
    const command = ["unshare", ...ownMount, "sh", "-c", `${mountSmall} && exec "$@"`, small, process.execPath];
    const { status, stderr } = spawnSync(
      command[0] as string,
      [...command.slice(1), "dist/cli/docket.js", "ocr", scan],
      {
        encoding: "utf8",
        env: { ...process.env, TMPDIR: small, DOCKET_OCR_TESSERACT: installed },
      },
    );
    expect(stderr).toContain("No space is left on the disk");
    expect(status).toBe(2);
  });

  it("reads with data from a folder, and says when that has not the language", async () => {
    await writeFile(join(folder, "house.traineddata"), gunzipSync(await readFile(packaged)));
    const limits = { tesseract: installed, trainedData: folder, language: "house" };
    const { read } = await recognize(scan, limits, { pages: [1] });
    expect(read[0]?.text).toBe(prose.join("\n"));
    await expect(recognize(scan, { ...limits, language: "tlh" })).rejects.toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining(`tlh.traineddata in ${folder}`),
    });
  });
});

describe("a program in the place of tesseract", () => {
  it("that cannot be run is told of before anything is read", async () => {
    await expect(recognize(scan, { tesseract: join(folder, "missing") })).rejects.toMatchObject({
      type: "InvalidInput",
      remedy: expect.stringContaining("DOCKET_OCR_TESSERACT"),
    });
  });

  it("that fails on a page costs that page, with what it said", async () => {
    const { tesseract } = await program("failing", 'echo "Error in the picture" >&2; exit 3');
    const { read, failures } = await recognize(scan, { tesseract }, { pages: [2] });
    expect(read).toEqual([]);
    expect(failures).toMatchObject([{ page: 2, failure: { type: "RecognizerCrashed" } }]);
    expect(failures[0]?.failure.message).toMatch(/scan\.pdf: page 2: .*exit code 3: Error in the picture/);
  });

  it("that failed before it was given its page has said why all the same", async () => {
    const { tesseract } = await program("early", 'echo "Error in the settings" >&2; exit 3');
    const limits = { dataBytes: 256 * 2 ** 20, seconds: 10 };
    const engine = new NativeProcess("eng", { program: tesseract, data: folder, pictures: folder, ...limits }, 150);
    await until(() => !engine.waits);
    await expect(engine.read(false)).rejects.toThrow(/exit code 3: Error in the settings/);
  });

  it.each(["exit 0", 'echo "level\tpage_num"'])("that prints nothing of a page has not read it: %s", async (script) => {
    const { tesseract } = await program("silent", script);
    const { read, failures } = await recognize(scan, { tesseract }, { pages: [1] });
    expect(read).toEqual([]);
    expect(failures).toMatchObject([{ page: 1, failure: { type: "RecognizerCrashed" } }]);
    expect(failures[0]?.failure.message).toMatch(/scan\.pdf: page 1: .*silent printed nothing of the page/);
  });

  it.runIf(linux)("that takes too much memory is refused it", async () => {
    const { tesseract } = await program("greedy", "head -c 600m /dev/zero | tail");
    const { failures, peakResidentBytes } = await recognize(scan, { tesseract }, { pages: [1] });
    expect(failures).toMatchObject([{ page: 1, failure: { type: "OutOfMemory" } }]);
    expect(peakResidentBytes).toBeLessThan(256 * 2 ** 20);
  });

  it.runIf(linux)("ends with the recognition: cancelled, or out of time", async () => {
    const { tesseract, pid } = await program("sleeper", "exec sleep 60");
    const cancel = new AbortController();
    const cancelled = recognize(scan, { tesseract }, { signal: cancel.signal });
    await until(() => pid() > 0);
    cancel.abort();
    await expect(cancelled).rejects.toMatchObject({ type: "Cancelled" });
    await until(() => !isAlive(pid()));
    const late = await recognize(scan, { tesseract, pageMilliseconds: 1500 }, { pages: [1] });
    expect(late.failures).toMatchObject([{ page: 1, failure: { type: "OutOfTime" } }]);
    await until(() => !isAlive(pid()));
  });
});

describe("languages", () => {
  it("come from the configuration, under either name of the variable, and are codes and nothing else", () => {
    expect(loadOcrSettings({ DOCKET_OCR_LANGUAGES: "eng+deu" })).toMatchObject({ language: "eng+deu" });
    expect(loadOcrSettings({ DOCKET_OCR_LANGUAGE: "deu" })).toMatchObject({ language: "deu" });
    expect(() => loadOcrSettings({ DOCKET_OCR_LANGUAGES: "../eng" })).toThrow("DOCKET_OCR_LANGUAGES");
    expect(() => loadOcrSettings({ DOCKET_OCR_DATA: "data" })).toThrow("DOCKET_OCR_DATA is an absolute path");
  });

  it("without data are told with the command that brings it", async () => {
    const unknown = recognize(scan, { language: "eng+deu_latf" });
    await expect(unknown).rejects.toMatchObject({
      type: "InvalidInput",
      remedy: expect.stringContaining("npm install @tesseract.js-data/deu_latf"),
    });
  });

  it("leave nothing in the cache when they cannot be unpacked", async () => {
    const [file, cache] = [join(folder, "damaged.traineddata.gz"), join(folder, "cache")];
    await writeFile(file, "this is no gzip");
    const before = process.env["XDG_CACHE_HOME"];
    process.env["XDG_CACHE_HOME"] = cache;
    try {
      const unpacked = plainTrainedData([{ language: "eng", file }]);
      await expect(unpacked).rejects.toMatchObject({ type: "FileUnreadable" });
    } finally {
      if (before === undefined) delete process.env["XDG_CACHE_HOME"];
      else process.env["XDG_CACHE_HOME"] = before;
    }
    expect(await readdir(join(cache, "docket", "trained-data"))).toEqual([]);
  });

  it("are read with the engine that comes with Docket from a folder too, compressed or not", async () => {
    await copyFile(packaged, join(folder, "first.traineddata.gz"));
    await writeFile(join(folder, "second.traineddata"), gunzipSync(await readFile(packaged)));
    for (const language of ["first", "second"]) {
      const { read } = await recognize(scan, { trainedData: folder, language }, { pages: [1] });
      expect(read[0]?.text, language).toBe(prose.join("\n"));
    }
  });
});
