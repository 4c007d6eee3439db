import { describe, expect, it } from "vitest";
import { readAnswer } from "#docket/textract/read-answer";

const box = { BoundingBox: { Left: 0.1, Top: 0.2, Width: 0.3, Height: 0.04 } };

function page(number: number, ...lines: string[]): object[] {
  const blocks = lines.flatMap((text, index) => {
    const id = `${number}-${index}`;
    const words = text.split(" ").map((word, w) => ({
      BlockType: "WORD",
      Id: `${id}-${w}`,
      Text: word,
      Confidence: 90 + w,
      Page: number,
      Geometry: box,
    }));
    const relationships = [{ Type: "CHILD", Ids: words.map((word) => word.Id) }];
    return [
      {
        BlockType: "LINE",
        Id: id,
        Text: text,
        Confidence: 95,
        Page: number,
        Geometry: box,
        Relationships: relationships,
      },
      ...words,
    ];
  });
  return [{ BlockType: "PAGE", Id: `p${number}`, Page: number }, ...blocks];
}

/** The pages of blocks that come so many in an answer. */
function pagesOf(blocks: readonly object[], size = blocks.length) {
  const rows = [];
  let open: Uint8Array | null = null;
  for (let from = 0; from < blocks.length; from += size) {
    const next = from + size < blocks.length ? { NextToken: "next" } : {};
    const answer = { JobStatus: "SUCCEEDED", ...next, Blocks: blocks.slice(from, from + size) };
    const read = readAnswer({ name: "document 1", body: Buffer.from(JSON.stringify(answer)), open, after: 0 });
    rows.push(...read.rows);
    ({ open } = read);
  }
  return rows.map(({ text, lines, ...row }) => ({
    ...row,
    text: Buffer.from(text).toString(),
    lines: JSON.parse(Buffer.from(lines.subarray(1)).toString()),
  }));
}

describe("pages from a stream of blocks", () => {
  const blocks = [...page(1, "in the matter", "of"), ...page(2), ...page(3, "end")];

  it.each([1, 2, 3, 7, 100])("are the same when %i blocks come at a time", (size) => {
    const pages = pagesOf(blocks, size);
    expect(pages.map((p) => [p.number, p.text])).toEqual([
      [1, "in the matter\nof"],
      [2, ""],
      [3, "end"],
    ]);
    expect(pages[0]?.lines[0]).toEqual({
      text: "in the matter",
      confidence: 95,
      box: { left: 0.1, top: 0.2, width: 0.3, height: 0.04 },
      words: ["in", "the", "matter"].map((text, w) => ({
        text,
        confidence: 90 + w,
        box: { left: 0.1, top: 0.2, width: 0.3, height: 0.04 },
      })),
    });
    expect(pages[0]?.confidence).toBeCloseTo((90 + 91 + 92 + 90) / 4);
    expect(pages[1]?.confidence).toBeNull();
  });

  it("takes blocks without page numbers as page 1, as a single image has them", () => {
    const photo = page(1, "photo").map((block) => ({ ...block, Page: undefined }));
    expect(pagesOf(photo).map((p) => [p.number, p.text])).toEqual([[1, "photo"]]);
  });

  it("take no harm from answers, tables and fields that come after later pages", () => {
    const answer = { BlockType: "QUERY_RESULT", Id: "q", Text: "Doe", Page: 1 };
    const pages = pagesOf([...page(1, "in the matter"), ...page(2, "of"), answer, ...page(3, "end")]);
    expect(pages.map(({ number, text }) => [number, text])).toEqual([
      [1, "in the matter"],
      [2, "of"],
      [3, "end"],
    ]);
  });

  it("refuses blocks out of the order of pages rather than lose text", () => {
    expect(() => pagesOf([...page(2, "two"), ...page(1, "one")])).toThrow(/document 1: .*page 1 after page 2/);
  });
});
