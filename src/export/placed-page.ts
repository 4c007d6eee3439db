import type { Box, Line } from "../contract/page.ts";
import { groupLines } from "../textract/text-groups.ts";
import type { ExportedPage, ExportInput } from "./export-input.ts";
import { readPageSizes } from "./page-sizes.ts";

/** A page whose places are counted in units of its own size, for formats that know no fractions. */
export interface PlacedPage {
  number: number;
  width: number;
  height: number;
  blocks: { box: Box; lines: Line[] }[];
  /** A box in the page's units, whole numbers. */
  place(box: Box): { left: number; top: number; width: number; height: number };
}

/**
 * The pages with their sizes: as they were stored or, where the reader did not tell, as the original has them.
 * @param scale units for one PDF point; pictures are counted in their own pixels
 */
export async function* placePages(input: ExportInput, scale: number): AsyncGenerator<PlacedPage> {
  const unit = isPdf(input) ? scale : 1;
  let sizes: ((number: number) => { width: number; height: number }) | undefined;
  for await (const page of input.pages()) {
    const { width, height } = page;
    if (width === null || height === null)
      sizes ??= await readPageSizes(await input.original(), input.document.fileName);
    const size = width === null || height === null ? sizes?.(page.number) : { width, height };
    yield placed(page, (size?.width ?? 1) * unit, (size?.height ?? 1) * unit);
  }
}

export function isPdf({ document }: ExportInput): boolean {
  return document.mediaType === "application/pdf";
}

function placed(page: ExportedPage, width: number, height: number): PlacedPage {
  const whole = (share: number, of: number) => Math.round(Math.min(1, Math.max(0, share)) * of);
  return {
    number: page.number,
    width: Math.round(width),
    height: Math.round(height),
    blocks: groupLines(page.lines).map(({ box, lines }) => ({
      box,
      lines: lines.flatMap((at) => page.lines[at] ?? []),
    })),
    place(box) {
      const [left, top] = [whole(box.left, width), whole(box.top, height)];
      const [right, bottom] = [whole(box.left + box.width, width), whole(box.top + box.height, height)];
      return { left, top, width: right - left, height: bottom - top };
    },
  };
}
