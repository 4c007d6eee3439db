// A Textract that answers at once with text made on demand: node bench/support/instant-textract.mjs [--pages 1]
// [--blocks 60] [--job-seconds 0] [--at-work]. Prints its address when it listens; GET /requests tells how often each operation was asked. It checks
// nothing and keeps nothing but these counts, so that what is measured is the caller. A job's id is its token.
import { createServer } from "node:http";
import { readOptions } from "./options.mjs";

const options = readOptions(import.meta.url, {
  pages: 1,
  // Of a page, its own PAGE block included.
  blocks: 60,
  // Until a job ends.
  "job-seconds": 0,
  // No job ever ends.
  "at-work": false,
});
const { pages, blocks: blocksPerPage } = options;
const wordsPerLine = 10;
/** @type {Record<string, number>} */
const requests = {};

/** When each job ends, by its id. @type {Map<string, number>} */
const ends = new Map();

const pageTemplate = makePage();

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(JSON.stringify(requests));
    return;
  }
  /** @type {Buffer[]} */
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const operation = String(request.headers["x-amz-target"]).replace(/^Textract\./, "");
    requests[operation] = (requests[operation] ?? 0) + 1;
    const body = answer(operation, JSON.parse(Buffer.concat(chunks).toString() || "{}"));
    response.writeHead(200, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${address.port}`);
});

/**
 * @param {string} operation
 * @param {{ ClientRequestToken?: string, JobId?: string, MaxResults?: number, NextToken?: string }} input
 */
function answer(operation, input) {
  if (operation.startsWith("Start")) {
    const id = input.ClientRequestToken ?? "";
    if (!ends.has(id)) ends.set(id, Date.now() + options["job-seconds"] * 1000);
    return JSON.stringify({ JobId: id });
  }
  if (options["at-work"] || Date.now() < (ends.get(input.JobId ?? "") ?? 0))
    return JSON.stringify({ JobStatus: "IN_PROGRESS" });
  const from = Number(input.NextToken ?? 0);
  const until = Math.min(from + (input.MaxResults ?? 1000), pages * blocksPerPage);
  const blocks = [];
  for (let at = from; at < until; ) {
    const page = Math.floor(at / blocksPerPage);
    const end = Math.min(until, (page + 1) * blocksPerPage);
    for (let index = at; index < end; index++) {
      const block = pageTemplate[index - page * blocksPerPage] ?? "";
      blocks.push(
        block.replaceAll("PPPPPPPP", String(page + 1).padStart(8, "0")).replace('"NUMBER"', String(page + 1)),
      );
    }
    at = end;
  }
  const next = until < pages * blocksPerPage ? `,"NextToken":"${until}"` : "";
  const head = `"DetectDocumentTextModelVersion":"1.0","DocumentMetadata":{"Pages":${pages}},"JobStatus":"SUCCEEDED"`;
  return `{${head}${next},"Blocks":[${blocks.join(",")}]}`;
}

/** Blocks of a page as JSON, in Textract's order and shape: the page, its lines, its words. */
function makePage() {
  const words = Math.floor(((blocksPerPage - 1) * wordsPerLine) / (wordsPerLine + 1));
  const lines = blocksPerPage - 1 - words;
  const id = (/** @type {string} */ kind, /** @type {number} */ index) =>
    `PPPPPPPP-0000-4000-8${kind}00-${String(index).padStart(12, "0")}`;
  const vocabulary = ["evidence", "of", "the", "agreement", "between", "Smith", "and", "Jones", "dated", "1987."];
  const common = (/** @type {string} */ type, /** @type {number} */ top, /** @type {number} */ left) => ({
    BlockType: type,
    Confidence: 99.17236328125,
    Geometry: {
      BoundingBox: { Width: 0.08123456, Height: 0.01234567, Left: left, Top: top },
      Polygon: [0, 1, 2, 3].map((corner) => ({
        X: left + (corner % 3 === 0 ? 0 : 0.08123456),
        Y: top + (corner < 2 ? 0 : 0.01234567),
      })),
    },
    Page: "NUMBER",
  });
  const lineWords = Array.from({ length: lines }, (_, line) =>
    Array.from({ length: words }, (_, word) => word).filter((word) => word % lines === line),
  );
  const text = (/** @type {number} */ word) => vocabulary[word % vocabulary.length] ?? "";
  const blocks = [
    {
      ...common("PAGE", 0, 0),
      Id: id("0", 0),
      Relationships: [{ Type: "CHILD", Ids: lineWords.map((_, line) => id("1", line)) }],
    },
    ...lineWords.map((own, line) => ({
      ...common("LINE", line / lines, 0.1),
      Id: id("1", line),
      Text: own.map(text).join(" "),
      Relationships: [{ Type: "CHILD", Ids: own.map((word) => id("2", word)) }],
    })),
    ...lineWords.flatMap((own, line) =>
      own.map((word, place) => ({
        ...common("WORD", line / lines, 0.1 + place * 0.085),
        Id: id("2", word),
        Text: text(word),
        TextType: "PRINTED",
      })),
    ),
  ];
  return blocks.map((block) => JSON.stringify(block));
}
