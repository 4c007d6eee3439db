import { readFile } from "node:fs/promises";
import {
  AnalyzeDocumentCommand,
  DetectDocumentTextCommand,
  StartDocumentAnalysisCommand,
} from "@aws-sdk/client-textract";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeBucket, readJob, startEndpoint, startText, textOf } from "./support/local-textract.ts";
import { wordRecall } from "./support/word-recall.ts";

const sample = (name: string) => new URL(`../samples/${name}`, import.meta.url);
const truthOf = (name: string) => readFile(sample(name.replace(/\.\w+$/, ".txt")), "utf8");

let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let bucket: Awaited<ReturnType<typeof makeBucket>>;

beforeAll(async () => {
  endpoint = await startEndpoint();
  bucket = await makeBucket();
});
afterAll(async () => {
  await endpoint.end();
  bucket.s3.destroy();
  expect(endpoint.errors).toEqual([]);
});

it.each([
  ["service-agreement.pdf", 4],
  ["minutes-300dpi-bilevel.pdf", 2],
  ["deposition-300dpi.tiff", 3],
])("%s is answered with its real text, the same at any MaxResults", async (name, pages) => {
  const location = await bucket.put(name, await readFile(sample(name)));
  const id = await startText(endpoint.client, location);
  const { ended, blocks } = await readJob(endpoint.client, id);
  expect(ended).toMatchObject({ JobStatus: "SUCCEEDED", DocumentMetadata: { Pages: pages } });
  const recall = wordRecall(await truthOf(name), textOf(blocks));
  console.log(`${name}: word recall ${recall.toFixed(4)}`);
  expect(recall).toBeGreaterThan(0.98);
  expect((await readJob(endpoint.client, id, { maxResults: 17 })).blocks).toEqual(blocks);
  expect((await readJob(endpoint.client, id, { maxResults: 1000 })).blocks).toEqual(blocks);
});

it("an image is read at once, from its bytes and from S3", async () => {
  const bytes = await readFile(sample("invoice.jpg"));
  const location = await bucket.put("invoice.jpg", bytes);
  const fromBytes = await endpoint.client.send(new DetectDocumentTextCommand({ Document: { Bytes: bytes } }));
  const fromS3 = await endpoint.client.send(
    new AnalyzeDocumentCommand({ Document: location, FeatureTypes: ["LAYOUT", "FORMS"] }),
  );
  expect(fromBytes.DocumentMetadata).toEqual({ Pages: 1 });
  const recall = wordRecall(await truthOf("invoice.jpg"), textOf(fromBytes.Blocks ?? []));
  console.log(`invoice.jpg: word recall ${recall.toFixed(4)}`);
  expect(recall).toBeGreaterThan(0.98);
  expect(textOf(fromS3.Blocks ?? [])).toBe(textOf(fromBytes.Blocks ?? []));
  expect((await endpoint.ledger()).filter(({ jobId }) => jobId === null)).toHaveLength(2);
});

it("blocks are one tree a page: page, lines, words, and with LAYOUT their paragraphs", async () => {
  const location = await bucket.put("tree.pdf", await readFile(sample("service-agreement.pdf")));
  const start = new StartDocumentAnalysisCommand({ DocumentLocation: location, FeatureTypes: ["LAYOUT", "TABLES"] });
  const { JobId: id = "" } = await endpoint.client.send(start);
  const { blocks } = await readJob(endpoint.client, id, { analysis: true });
  const byId = new Map(blocks.map((block) => [block.Id, block]));
  expect(byId.size).toBe(blocks.length);
  const children = (block: (typeof blocks)[number]) =>
    (block.Relationships ?? []).flatMap(({ Ids }) => Ids ?? []).map((child) => byId.get(child));
  for (const block of blocks) {
    expect(block.Id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const { Left = -1, Top = -1, Width = 9, Height = 9 } = block.Geometry?.BoundingBox ?? {};
    expect(Math.min(Left, Top)).toBeGreaterThanOrEqual(0);
    expect(Math.max(Left + Width, Top + Height)).toBeLessThanOrEqual(1.000001);
    const types = new Set(children(block).map((child) => child?.BlockType));
    if (block.BlockType === "PAGE") expect(types).toEqual(new Set(["LINE", "LAYOUT_TEXT"]));
    if (block.BlockType === "LAYOUT_TEXT") expect(types).toEqual(new Set(["LINE"]));
    if (block.BlockType === "LINE") {
      expect(types).toEqual(new Set(["WORD"]));
      expect(children(block).map((word) => word?.Text)).toEqual(block.Text?.split(/\s+/));
    }
  }
  const lines = blocks.filter(({ BlockType }) => BlockType === "LINE").map(({ Id }) => Id);
  const inParagraphs = blocks.filter(({ BlockType }) => BlockType === "LAYOUT_TEXT").flatMap(children);
  expect(inParagraphs.map((line) => line?.Id)).toEqual(lines);
  expect(blocks.filter(({ BlockType }) => BlockType === "PAGE").map(({ Page }) => Page)).toEqual([1, 2, 3, 4]);
});
