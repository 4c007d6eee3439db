import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { AnswerReader } from "#docket/textract/answer-reader";
import { findNextToken } from "#docket/textract/next-token";
import { type AnswerRead, readAnswer } from "#docket/textract/read-answer";
import { createTextractApis } from "#docket/textract/textract-api";

// Three pages of 700 blocks: an answer of them is large enough to be read in a thread.
const wordsOfLine = 6;
const linesOfPage = 100;
const pages = 3;
const blocks = Array.from({ length: pages }, (_, index) => blocksOfPage(index + 1)).flat();

function blocksOfPage(page: number) {
  const block = (type: string, id: string, place: number, more: object) => ({
    ...{ BlockType: type, Id: id, Page: page, Confidence: 90 + place / 7 },
    Geometry: { BoundingBox: { Left: place / 11, Top: place / 13, Width: 0.1 / 3, Height: 0.02 } },
    ...more,
  });
  const lines = Array.from({ length: linesOfPage }, (_, line) => {
    const words = Array.from({ length: wordsOfLine }, (_, word) =>
      block("WORD", `${page}-${line}-${word}`, word, {
        Text: `é${page}.${line}.${word} "\\" ${String.fromCodePoint(0x1f4c4)}`,
      }),
    );
    const text = { Text: words.map(({ Id }) => Id).join(" ") };
    return { line: block("LINE", `${page}-${line}`, 1, { ...text, Relationships: children(words) }), words };
  });
  return [block("PAGE", `${page}`, 0, {}), ...lines.map(({ line }) => line), ...lines.flatMap(({ words }) => words)];
}

function children(words: { Id: string }[]) {
  return [{ Type: "CHILD", Ids: words.map(({ Id }) => Id) }];
}

/** The body of an answer with some of the blocks. */
function bodyOf(from: number, until: number): Buffer {
  const next = until < blocks.length ? { NextToken: String(until) } : {};
  return Buffer.from(JSON.stringify({ JobStatus: "SUCCEEDED", ...next, Blocks: blocks.slice(from, until) }));
}

/** What stands in the rows of all pages, read so many blocks at a time. */
async function rowsOf(size: number, read: AnswerReader["read"]) {
  const rows: AnswerRead["rows"] = [];
  let open: Uint8Array | null = null;
  for (let from = 0; from < blocks.length; from += size) {
    const body = bodyOf(from, from + size);
    const sent = Buffer.from(body);
    const answer = await read({ name: "document 1", body, open, after: 0 });
    expect(body.equals(sent), "the body is still as it was sent").toBe(true);
    rows.push(...answer.rows);
    ({ open } = answer);
  }
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  return rows.map((row) => ({ ...row, text: text(row.text), lines: text(row.lines) }));
}

describe("the rows of pages", () => {
  it("are the same however the blocks are spread over answers, read in a thread or at once", async () => {
    const atOnce = async (question: Parameters<typeof readAnswer>[0]) => readAnswer(question);
    const whole = await rowsOf(blocks.length, atOnce);
    expect(whole.map(({ number, characters }) => [number, characters > 1000])).toEqual([
      [1, true],
      [2, true],
      [3, true],
    ]);
    const [version, ...json] = whole[0]?.lines ?? "";
    expect(version).toBe("\u0001");
    expect(JSON.parse(json.join(""))[99].words[5]).toEqual({
      text: `é1.99.5 "\\" ${String.fromCodePoint(0x1f4c4)}`,
      confidence: 90 + 5 / 7,
      box: { left: 5 / 11, top: 5 / 13, width: 0.1 / 3, height: 0.02 },
    });

    const reader = new AnswerReader();
    expect(bodyOf(0, 1000).byteLength).toBeGreaterThan(100 * 1024);
    for (const size of [1000, 699, 5000]) expect(await rowsOf(size, (answer) => reader.read(answer))).toEqual(whole);
    expect(await rowsOf(50, atOnce)).toEqual(whole);
  });

  it("leave out pages that are stored already", () => {
    const answer = readAnswer({ name: "document 1", body: bodyOf(0, blocks.length), open: null, after: 2 });
    expect(answer.rows.map(({ number }) => number)).toEqual([3]);
    expect(answer.numbers).toEqual([1, 2, 3]);
  });
});

describe("an answer is read whatever way its JSON is written", () => {
  const text = `a "quoted" \\ word, \u0000é\ud83d\ude00 "NextToken":"no" ]}`;
  const word = {
    Geometry: {
      Polygon: [
        { X: 0.1, Y: 1e-7 },
        { X: "]}", Y: null },
      ],
      BoundingBox: { Left: 1e-7, Top: -0.5, Width: 1, Height: 0.25 },
    },
    Relationships: null,
    Unknown: [{ deep: [[], {}, "]", "\\", '"'] }, true, false, null, -1.5e10],
    Id: "w",
    Text: text,
    Confidence: 99.5,
    BlockType: "WORD",
  };
  const children = [
    { Type: "VALUE", Ids: ["v"] },
    { Type: "CHILD", Ids: ["w"] },
    { Ids: ["none", "w"], Type: "CHILD" },
  ];
  const line = { BlockType: "LINE", Id: "l", Text: text, Confidence: null, Page: 1, Relationships: children };
  const answer = { Blocks: [{}, line, word], Warnings: null, JobStatus: "SUCCEEDED", NextToken: null };
  const compact = JSON.stringify(answer);
  const read = (json: string) => readAnswer({ name: "document 1", body: Buffer.from(json), open: null, after: 0 });

  it.each([
    ["without white space", compact],
    ["with white space", JSON.stringify(answer, null, "\t \r\n")],
    [
      "with everything escaped",
      compact.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
    ],
  ])("%s", (_, json) => {
    const { rows, nextToken, numbers } = read(json);
    expect({ nextToken, numbers }).toEqual({ nextToken: null, numbers: [1] });
    const stored = text.replace("\0", "");
    const [row] = rows;
    expect({
      ...row,
      text: Buffer.from(row?.text ?? "").toString(),
      lines: JSON.parse(String(Buffer.from(row?.lines.subarray(1) ?? ""))),
    }).toEqual({
      number: 1,
      text: stored,
      characters: [...stored].length,
      confidence: 99.5,
      width: null,
      height: null,
      source: "textract",
      lines: [
        {
          text: stored,
          confidence: 0,
          box: { left: 0, top: 0, width: 0, height: 0 },
          words: Array(2).fill({
            text: stored,
            confidence: 99.5,
            box: { left: 1e-7, top: -0.5, width: 1, height: 0.25 },
          }),
        },
      ],
    });
  });

  it("is none wherever it is cut", () => {
    for (let end = 0; end < Buffer.byteLength(compact); end++) {
      const body = Buffer.from(compact).subarray(0, end);
      expect(() => readAnswer({ name: "document 1", body, open: null, after: 0 }), `the first ${end} bytes`).toThrow(
        "Textract, document 1: the answer is not JSON",
      );
    }
  });

  it.each([
    ["a comma too many", compact.replace("[{}", "[{},")],
    ["a member without a value", compact.replace('"Confidence":99.5', '"Confidence":')],
    ["a number that is none", compact.replace("99.5", "99.")],
    ["a string that ends in a line feed", compact.replace('"WORD"', '"WORD\n"')],
    ["an escape that is none", compact.replace('"w"', '"\\x"')],
    ["something behind its end", `${compact}{}`],
    ["a number in place of a text", compact.replace('"WORD"', "5")],
  ])("%s: it is none", (_, json) => {
    expect(json).not.toBe(compact);
    expect(() => read(json)).toThrow("Textract, document 1: the answer is not JSON");
  });
});

describe("the token of the answer that follows", () => {
  const block = { BlockType: "WORD", Id: "w", Text: 'a "NextToken":"no" and "NextToken":' };
  const many = Array(100).fill(block);

  it.each([
    ["before the blocks", { NextToken: "token/1+2==", Blocks: many }, "token/1+2=="],
    ["behind the blocks", { Blocks: many, NextToken: 'with "quotes" \\ é' }, 'with "quotes" \\ é'],
    ["in a short answer", { NextToken: "t", Blocks: [] }, "t"],
    ["nowhere", { Blocks: many }, null],
    ["null", { Blocks: [], NextToken: null }, null],
    ["between blocks and as many others, where nobody looks", { Blocks: many, NextToken: "t", More: many }, null],
  ])("is known before the answer is read: %s", (_, answer, token) => {
    expect(findNextToken(Buffer.from(JSON.stringify(answer)))).toBe(token);
    const pretty = Buffer.from(JSON.stringify(answer, null, 2));
    expect(findNextToken(pretty)).toBe(token);
  });
});

describe("an answer that is none", () => {
  it("is not JSON: it may come whole the next time, and the message has no text of the document", async () => {
    const body = bodyOf(0, 1000).subarray(0, 200_000);
    await expect(new AnswerReader().read({ name: "document 1", body, open: null, after: 0 })).rejects.toMatchObject({
      type: "TextractUnavailable",
      message: "Textract, document 1: the answer is not JSON",
    });
  });

  it("is the JSON that takes most memory: it has no pages, and the thread goes on", async () => {
    const reader = new AnswerReader();
    const body = Buffer.from(`{"JobStatus":"SUCCEEDED","Blocks":[${"{},".repeat(4 * 349_000)}{}]}`);
    const { rows, nextToken } = await reader.read({ name: "document 1", body, open: null, after: 0 });
    expect({ rows, nextToken }).toEqual({ rows: [], nextToken: null });
    expect(await rowsOf(1000, (answer) => reader.read(answer))).toHaveLength(pages);
  });
});

describe("a thread that goes over its memory", () => {
  it("fails the document whose answer it read; the next answer gets another thread", async () => {
    const reader = new AnswerReader(new URL("./support/hungry-thread.mjs", import.meta.url));
    const failing = reader.read({ name: "hungry document", body: bodyOf(0, 1000), open: null, after: 0 });
    // In line behind it, with a page that began before.
    const { open } = readAnswer({ name: "document 2", body: bodyOf(0, 1000), open: null, after: 0 });
    const next = reader.read({ name: "document 2", body: bodyOf(1000, 2000), open, after: 0 });
    await expect(failing).rejects.toMatchObject({
      type: "OutOfMemory",
      message: "Textract, hungry document: an answer takes more than 160 MiB of memory.",
      remedy: expect.stringContaining("submit again"),
    });
    expect((await next).rows.map(({ number }) => number)).toEqual([2]);
  });
});

describe("an endpoint that sends more than any answer of Textract", () => {
  const server = createServer((_, response) => {
    const piece = Buffer.alloc(1024 * 1024, " ");
    const send = () => {
      while (!response.destroyed && response.write(piece));
      response.once("drain", send);
    };
    send();
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is not listened to any longer", async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });
    const apis = createTextractApis({ endpoint });
    const request = { jobId: "endless", features: [], maxResults: 1000 };
    await expect(apis.inRegion("us-east-1").getBody(request)).rejects.toMatchObject({
      type: "OutOfMemory",
      message: "Textract, job endless: an answer takes more than 4 MiB.",
    });
    apis.close();
  });
});
