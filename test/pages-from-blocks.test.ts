import { describe, expect, it } from "vitest";
import { PageBuilder } from "#docket/textract/pages-from-blocks";

const box = { BoundingBox: { Left: 0.1, Top: 0.2, Width: 0.3, Height: 0.04 } };

function page(number: number, ...lines: string[]) {
  const blocks = lines.flatMap((text, index) => {
    const id = `${number}-${index}`;
    const words = text.split(" ").map((word, w) => ({
      BlockType: "WORD" as const,
      Id: `${id}-${w}`,
      Text: word,
      Confidence: 90 + w,
      Page: number,
      Geometry: box,
    }));
    const relationships = [{ Type: "CHILD" as const, Ids: words.map((word) => word.Id) }];
    return [
      {
        BlockType: "LINE" as const,
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
  return [{ BlockType: "PAGE" as const, Id: `p${number}`, Page: number }, ...blocks];
}

describe("pages from a stream of blocks", () => {
  const blocks = [...page(1, "in the matter", "of"), ...page(2), ...page(3, "end")];

  it.each([1, 2, 3, 7, 100])("are the same when %i blocks come at a time", (size) => {
    const builder = new PageBuilder();
    const pages = [];
    for (let i = 0; i < blocks.length; i += size) pages.push(...builder.add(blocks.slice(i, i + size)));
    pages.push(...builder.finish());
    expect(pages.map((p) => [p.number, p.text])).toEqual([
      [1, "in the matter\nof"],
      [2, ""],
      [3, "end"],
    ]);
    expect(pages[0]?.lines[0]?.words.map((w) => w.text)).toEqual(["in", "the", "matter"]);
    expect(pages[0]?.lines[0]?.box).toEqual({ left: 0.1, top: 0.2, width: 0.3, height: 0.04 });
    expect(pages[0]?.confidence).toBeCloseTo((90 + 91 + 92 + 90) / 4);
    expect(pages[1]?.confidence).toBeNull();
  });

  it("takes blocks without page numbers as page 1, as a single image has them", () => {
    const builder = new PageBuilder();
    builder.add(page(1, "photo").map(({ Page: _, ...block }) => block));
    expect(builder.finish().map((p) => [p.number, p.text])).toEqual([[1, "photo"]]);
  });

  it("take no harm from answers, tables and fields that come after later pages", () => {
    const builder = new PageBuilder();
    const answer = { BlockType: "QUERY_RESULT" as const, Id: "q", Text: "Doe", Page: 1 };
    const first = builder.add([...page(1, "in the matter"), ...page(2, "of"), answer, ...page(3, "end")]);
    const pages = [...first, ...builder.finish()];
    expect(pages.map(({ number, text }) => [number, text])).toEqual([
      [1, "in the matter"],
      [2, "of"],
      [3, "end"],
    ]);
  });

  it("refuses blocks out of the order of pages rather than lose text", () => {
    const builder = new PageBuilder();
    builder.add(page(2, "two"));
    expect(() => builder.add(page(1, "one"))).toThrow(/page 1 after page 2/);
  });
});
