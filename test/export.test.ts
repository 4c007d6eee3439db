import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TextractDocument } from "amazon-textract-response-parser";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { validateXML } from "xmllint-wasm";
import { z } from "zod";
import type { Line } from "#docket/contract/page";
import { toAlto } from "#docket/export/alto";
import type { ExportInput } from "#docket/export/export-input";
import { exportFileName } from "#docket/export/file-names";
import { toHocr } from "#docket/export/hocr";
import { documentBlocks } from "#docket/export/raw-blocks";
import { toTextractJson } from "#docket/export/textract-json";
import { docket, stackEnvironment, useStack } from "./support/stack.ts";

const stack = useStack("documents,textract-submit,textract-results,ocr");
const project = `export-${randomUUID().slice(0, 8)}`;
let folder: string;
let byTextract: string;
let byLocal: string;

async function processed(engine: "textract" | "local", file: string): Promise<string> {
  const document = await stack.upload(`${project}/${engine}/${file}`, `samples/${file}`);
  const input = { document, project, engine, customFields: { case: "17" } };
  const options = { taskQueue: "documents", workflowId: `${project}-${engine}`, args: [input] };
  const { documentId } = await stack.client.workflow.execute("processDocument", options);
  return documentId;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-export-test-"));
  [byTextract, byLocal] = await Promise.all([
    processed("textract", "service-agreement.pdf"),
    processed("local", "affidavit-bad-text-layer.pdf"),
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A document's export on standard output. */
async function exported(document: string, format: string): Promise<string> {
  const { code, stdout, stderr } = await docket(["export", document, "--format", format]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout;
}

const agreementWords = async () =>
  (await readFile("samples/service-agreement.txt", "utf8"))
    .split("\f")
    .map((page) => page.split(/\s+/).filter(Boolean));

// What docs/export.md promises of the format json.
const box = z.strictObject({ left: z.number(), top: z.number(), width: z.number(), height: z.number() });
const word = z.strictObject({ text: z.string(), confidence: z.number().min(0).max(100), box });
const page = z.strictObject({
  number: z.int().min(1),
  text: z.string(),
  correction: z.strictObject({ by: z.string(), at: z.string() }).nullable(),
  characters: z.int(),
  confidence: z.number().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  lines: z.array(word.extend({ words: z.array(word) })),
  source: z.enum(["textract", "text-layer", "recognition"]),
  engine: z.enum(["textract", "local"]),
});
const documentShape = z.strictObject({
  format: z.literal("docket-document"),
  version: z.literal(1),
  document: z.strictObject({
    documentId: z.uuid(),
    fileName: z.string(),
    project: z.string(),
    status: z.literal("complete"),
    engine: z.string(),
    features: z.array(z.string()),
    mediaType: z.string().nullable(),
    sha256: z.string().length(64).nullable(),
    source: z.string(),
    customFields: z.record(z.string(), z.string()),
    expectedPages: z.int().nullable(),
    storedPages: z.int(),
    characters: z.int().nullable(),
    meanConfidence: z.number().nullable(),
    missingPages: z.array(z.strictObject({ page: z.int(), warning: z.string().nullable() })).nullable(),
  }),
  pages: z.array(page),
});

describe("docket export", () => {
  it("writes text as docket text prints it", async () => {
    const [text, printed] = await Promise.all([exported(byTextract, "text"), docket(["text", byTextract])]);
    expect(text).toBe(printed.stdout);
    expect(text.split("\f")).toHaveLength(4);
  });

  it("writes JSON in the documented shape", async () => {
    const parsed = documentShape.parse(JSON.parse(await exported(byTextract, "json")));
    expect(parsed.document).toMatchObject({
      documentId: byTextract,
      project,
      customFields: { case: "17" },
      storedPages: 4,
    });
    const wanted = await agreementWords();
    const words = parsed.pages.map(({ lines }) => lines.flatMap((line) => line.words.map(({ text }) => text)));
    expect(words.map((own) => own.toSorted())).toEqual(wanted.map((own) => own.toSorted()));
  });

  it("writes Markdown with headings, paragraphs and page marks", async () => {
    const markdown = await exported(byTextract, "markdown");
    expect(markdown.match(/^<!-- service-agreement\.pdf, page \d+ -->$/gm)).toHaveLength(4);
    expect(markdown).toMatch(/^#{1,3} .*AGREEMENT/m);
    const paragraphs = markdown.split(/\n\n/).filter((block) => !/^(#|<!--)/.test(block));
    expect(paragraphs.some((block) => block.split("\n").length >= 3)).toBe(true);
  });

  it.each(["textract", "local"] as const)("writes Textract JSON that Amazon's parser reads: %s", async (engine) => {
    const id = engine === "textract" ? byTextract : byLocal;
    const response = JSON.parse(await exported(id, "textract"));
    const parsed = new TextractDocument(response);
    const pages = parsed.listPages();
    const rows = await stack.database.page.findMany({ where: { documentId: id }, orderBy: { number: "asc" } });
    expect(pages).toHaveLength(rows.length);
    for (const [i, row] of rows.entries()) {
      const lines = row.lines as unknown as Line[];
      expect(pages[i]?.listLines().map((line) => line.text)).toEqual(lines.map((line) => line.text));
      const parsedWords = pages[i]?.listLines().flatMap((line) => line.listWords().map(({ text }) => text));
      expect(parsedWords).toEqual(lines.flatMap((line) => line.words.map(({ text }) => text)));
    }
    const ids = response.Blocks.map(({ Id }: { Id: string }) => Id);
    expect(new Set(ids).size).toBe(ids.length);
    const children = response.Blocks.flatMap((block: { Relationships?: { Ids: string[] }[] }) =>
      (block.Relationships ?? []).flatMap(({ Ids }) => Ids),
    );
    const known = new Set(ids);
    expect(children.every((child: string) => known.has(child))).toBe(true);
    expect(response).toMatchObject({ DocumentMetadata: { Pages: rows.length }, JobStatus: "SUCCEEDED" });
  });

  it("gives pages that a second job read their number in the document, in their place", async () => {
    const answer = (job: string, pages: number[], NextToken?: string) =>
      JSON.stringify({ NextToken, Blocks: pages.map((Page) => ({ BlockType: "PAGE", Id: `${job}-${Page}`, Page })) });
    const raw: Record<string, string> = {
      "a/first/1": answer("first", [1, 2], "more"),
      "a/first/2": answer("first", [2, 4]),
      "a/second/1": answer("second", [1]),
    };
    const page = (number: number, job: string, part: number, numberInJob = number) => ({
      ...{ number, numberInJob, engine: "textract", writtenBy: job, rawKey: `a/${job}/${part}` },
    });
    const pages = [page(1, "first", 1), page(2, "first", 1), page(3, "second", 1, 1), page(4, "first", 2)];
    const input = {
      document: { features: [], storedPages: 4, documentId: "a" },
      pages: async function* () {
        yield* pages;
      },
      readRaw: async (key: string) => Buffer.from(raw[key] ?? ""),
    } as unknown as ExportInput;
    let json = "";
    for await (const piece of toTextractJson(input)) json += piece;
    const { Blocks } = JSON.parse(json);
    const got = Blocks.map(({ Id, Page }: { Id: string; Page: number }) => `${Id} is ${Page}`);
    expect(got).toEqual(["first-1 is 1", "first-2 is 2", "first-2 is 2", "second-1 is 3", "first-4 is 4"]);
  });

  it("gives a page what Textract sends of it after later pages, and reads few answers at once", async () => {
    // Text page by page, then the tables: those of page N in the Nth of the answers after the text.
    const pageCount = 10;
    const answers = [...Array(2 * pageCount).keys()].map((i) => {
      const Page = (i % pageCount) + 1;
      const text = ["PAGE", "LINE"].map((BlockType) => ({ BlockType, Id: `${BlockType}-${Page}`, Page }));
      const table = [{ BlockType: "TABLE", Id: `TABLE-${Page}`, Page }];
      const NextToken = i + 1 < 2 * pageCount ? "more" : undefined;
      return JSON.stringify({ NextToken, Blocks: i < pageCount ? text : table });
    });
    let reads = 0;
    const page = (number: number) => ({ number, numberInJob: number, engine: "textract", writtenBy: "job" });
    const input = {
      document: { features: ["TABLES"], documentId: "a" },
      pages: async function* () {
        for (let number = 1; number <= pageCount; number++) yield { ...page(number), rawKey: `a/job/${number}` };
      },
      readRaw: async (key: string) => {
        reads += 1;
        return Buffer.from(answers[Number(key.split("/").at(-1)) - 1] ?? "");
      },
    } as unknown as ExportInput;
    const got: string[] = [];
    for await (const { blocks } of documentBlocks(input)) got.push(blocks.map(({ Id }) => Id).join(" "));
    expect(got).toEqual(got.map((_, i) => `PAGE-${i + 1} LINE-${i + 1} TABLE-${i + 1}`));
    expect(got).toHaveLength(pageCount);
    // Each once to see whose blocks it holds, and once to take them.
    expect(reads).toBeLessThanOrEqual(4 * pageCount);
  });

  it.each(["hocr", "alto"] as const)("writes well-formed %s with every word in its place", async (format) => {
    const xml = await exported(byTextract, format);
    const options = { normalization: "format" as const, modifyArguments: (args: string[]) => ["--nonet", ...args] };
    const { valid, errors } = await validateXML({ xml: [{ fileName: "export.xml", contents: xml }], ...options });
    expect(errors).toEqual([]);
    expect(valid).toBe(true);
    const wanted = (await agreementWords()).flat();
    const plain = (text: string) =>
      text.replace(
        /&(amp|lt|gt|quot|#39);/g,
        (_, name) => ({ amp: "&", lt: "<", gt: ">", quot: '"' })[name as "amp"] ?? "'",
      );
    const pattern = format === "hocr" ? /<span class="ocrx_word"[^>]*>([^<]*)</g : /<String [^>]*CONTENT="([^"]*)"/g;
    expect([...xml.matchAll(pattern)].map(([, text]) => plain(text ?? "")).sort()).toEqual(wanted.toSorted());
    // A letter sheet: 8.5 by 11 inches, at 300 and 1200 units an inch.
    const size = format === "hocr" ? "bbox 0 0 2550 3300; ppageno 0" : 'WIDTH="10200" HEIGHT="13200"';
    expect(xml).toContain(size);
    const ids = [...xml.matchAll(/ (?:id|ID)="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, left, top, right, bottom] of xml.matchAll(/bbox (\d+) (\d+) (\d+) (\d+)/g)) {
      expect(Number(left) <= Number(right) && Number(right) <= 2550).toBe(true);
      expect(Number(top) <= Number(bottom) && Number(bottom) <= 3300).toBe(true);
    }
  });

  it("writes a project into a folder, with a manifest, and files that are whole or not there", async () => {
    const out = join(folder, "production");
    await mkdir(out);
    const { code, stdout } = await docket(["export", "--project", project, "--format", "pdf", "-o", out, "--json"]);
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const manifest = (await readFile(join(out, "manifest.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map(({ documentId }) => documentId).sort()).toEqual([byLocal, byTextract].sort());
    expect((await readdir(out)).sort()).toEqual([...manifest.map(({ file }) => file), "manifest.jsonl"].sort());
    for (const { file, bytes, sha256, documentId, failure } of manifest) {
      const content = await readFile(join(out, file));
      expect(failure).toBeNull();
      expect(content.length).toBe(bytes);
      expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
      const original = documentId === byTextract ? "service-agreement.pdf" : "affidavit-bad-text-layer.pdf";
      const before = await readFile(`samples/${original}`);
      expect(content.subarray(0, before.length).equals(before)).toBe(true);
      // A text layer that can be believed is enough; one that cannot gets the recognised text beside it.
      expect(content.length > before.length).toBe(documentId === byLocal);
    }
  });

  it("refuses what is not complete or has changed, names the rest, and ends with 2", async () => {
    const id = randomUUID();
    const { projectId } = await stack.database.document.findUniqueOrThrow({ where: { id: byLocal } });
    const failed = { failureType: "PagesFailed", failureMessage: "page 2 is missing", failureRemedy: "look" };
    const common = {
      projectId,
      bucket: stack.bucket,
      engine: "local" as const,
      workflowId: id,
      runId: id,
      expectedPages: 2,
    };
    const metadata = { create: { fileName: "../gaps.pdf", source: "test" } };
    await stack.database.document.create({
      data: { ...common, ...failed, id, key: "gone.pdf", status: "failed", finishedAt: new Date(), metadata },
    });
    const out = join(folder, "some");
    const refused = await docket(["export", id, byTextract, "-o", out]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/gaps\.pdf.*PagesMissing/);
    expect((await readdir(out)).filter((name) => name.endsWith(".txt"))).toHaveLength(1);
    const anyway = await docket(["export", id, "--any-status", "--format", "pdf", "-o", join(out, "gaps.pdf")]);
    expect(anyway.code).toBe(2);
    expect(anyway.stderr).toContain("ObjectMissing");
    expect(await readdir(out)).not.toContain("gaps.pdf");
    const nothing = await docket(["export", byTextract, "--format", "pdf"]);
    expect(nothing.code).toBe(1);
    expect(nothing.stderr).toContain("-o PATH");
  });

  it("keeps a line whose words are not known as one word in hOCR and ALTO", async () => {
    const box = { left: 0.1, top: 0.1, width: 0.5, height: 0.02 };
    const line = { text: "Received & filed", confidence: 90, box, words: [] };
    const page = { number: 1, width: 612, height: 792, text: line.text, lines: [line], source: "textract" };
    const input = {
      document: { fileName: "a.pdf", mediaType: "application/pdf", storedPages: 1 },
      pages: async function* () {
        yield page;
      },
    } as unknown as ExportInput;
    for (const format of [toHocr, toAlto]) {
      let written = "";
      for await (const piece of format(input)) written += piece;
      expect(written).toContain("Received &amp; filed");
    }
  });

  it("names files safely", () => {
    const documentId = "7a9c42d3-1111-4111-8111-111111111111";
    const name = (fileName: string) => exportFileName({ fileName, documentId }, "text");
    expect(name("letter.pdf")).toBe("letter-7a9c42d3-1111.txt");
    expect(name("../../etc/passwd")).toBe("_.._etc_passwd-7a9c42d3-1111.txt");
    expect(name("\u0000\u202e.pdf")).toBe("_-7a9c42d3-1111.txt");
    expect(Buffer.byteLength(name("ü".repeat(500)))).toBeLessThan(255);
  });

  it("makes a searchable PDF of 400 scanned pages within 200 MiB", async () => {
    const document = await addScans(400);
    const out = join(folder, "scans.pdf");
    const { code, peak } = await measured(["export", document, "--format", "pdf", "-o", out]);
    process.stdout.write(`      peak resident memory for 400 scanned pages: ${(peak / 2 ** 20).toFixed(0)} MiB\n`);
    expect(code).toBe(0);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(200 * 2 ** 20);
    const bytes = await readFile(out);
    expect(bytes.toString("latin1").match(/\/DocketText /g)).toHaveLength(400);
  });

  /** A document of many scans (three sheets of a sample again and again), with words on each. */
  async function addScans(count: number): Promise<string> {
    const sheets = await PDFDocument.load(await readFile("samples/complaint-200dpi-grey.pdf"));
    const pdf = await PDFDocument.create();
    for (let i = 0; i < count; i += 20) {
      // Copied in lots, so that each lot has pictures of its own.
      const wanted = Array.from({ length: Math.min(20, count - i) }, (_, k) => k % sheets.getPageCount());
      for (const sheet of await pdf.copyPages(sheets, wanted)) pdf.addPage(sheet);
    }
    const path = join(folder, "400.pdf");
    const content = await pdf.save();
    await writeFile(path, content);
    const { key } = await stack.upload(`${project}/400.pdf`, path);
    const id = randomUUID();
    const { projectId } = await stack.database.document.findUniqueOrThrow({ where: { id: byLocal } });
    const state = {
      status: "complete" as const,
      expectedPages: count,
      storedPages: count,
      characters: 1,
      finishedAt: new Date(),
    };
    const sha256 = createHash("sha256").update(content).digest("hex");
    const metadata = { create: { fileName: "400.pdf", mediaType: "application/pdf", sha256, source: "test" } };
    const owner = { projectId, bucket: stack.bucket, key, engine: "textract" as const, workflowId: id, runId: id };
    await stack.database.document.create({ data: { id, ...owner, ...state, metadata } });
    const words = (line: number) =>
      Array.from({ length: 10 }, (_, i) => ({
        text: `word${line}x${i}`,
        confidence: 99,
        box: { left: 0.1 + i * 0.08, top: 0.05 + line * 0.02, width: 0.07, height: 0.012 },
      }));
    const lines = Array.from({ length: 40 }, (_, line) => ({
      text: words(line)
        .map(({ text }) => text)
        .join(" "),
      confidence: 99,
      box: { left: 0.1, top: 0.05 + line * 0.02, width: 0.8, height: 0.012 },
      words: words(line),
    }));
    await stack.database.page.createMany({
      data: Array.from({ length: count }, (_, i) => {
        const read = { engine: "textract" as const, source: "textract" as const, writtenBy: "job" };
        return { documentId: id, number: i + 1, text: "words", characters: 5, lines, ...read };
      }),
    });
    return id;
  }

  /** Runs a command and watches how much memory it ever held. */
  async function measured(args: string[]): Promise<{ code: number | null; peak: number }> {
    const child = spawn(process.execPath, ["dist/cli/docket.js", ...args], {
      env: stackEnvironment(),
      stdio: "inherit",
    });
    let peak = 0;
    const timer = setInterval(async () => {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
      peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    }, 20);
    const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    clearInterval(timer);
    return { code, peak };
  }
});
