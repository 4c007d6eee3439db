import type { Block, Geometry } from "@aws-sdk/client-textract";
import { v5 as uuidv5 } from "uuid";
import type { Box } from "../contract/page.ts";

// Any fixed UUID will do: it keeps the ids of blocks apart from other name-based ids.
const namespace = "6f2d3c1e-8a57-4a6b-9f0e-5d1b7c90e2a4";

/** Ids by names that are unique on a page: stable within a job, other ones in another job. */
export function blockIds(jobId: string, page: number): (name: string) => string {
  const job = uuidv5(jobId, namespace);
  return (name) => uuidv5(`${page}/${name}`, job);
}

/** The relationship of a block to those that it is made of; none where there are none. */
export function childrenOf(blocks: readonly Block[]): Pick<Block, "Relationships"> {
  if (blocks.length === 0) return {};
  return { Relationships: [{ Type: "CHILD", Ids: blocks.flatMap((block) => block.Id ?? []) }] };
}

/** An upright box as Textract writes it. */
export function geometry(box: Box): Geometry {
  const left = fraction(box.left);
  const top = fraction(box.top);
  const right = fraction(box.left + box.width);
  const bottom = fraction(box.top + box.height);
  return {
    BoundingBox: { Width: rounded(right - left), Height: rounded(bottom - top), Left: left, Top: top },
    Polygon: [
      { X: left, Y: top },
      { X: right, Y: top },
      { X: right, Y: bottom },
      { X: left, Y: bottom },
    ],
  };
}

// Readers may report a glyph that stands over the page's edge; Textract's values never leave 0-1 and 0-100. Seven digits
// are what the model's 32-bit floats hold.
const fraction = (value: number) => rounded(Math.min(1, Math.max(0, value)));
/** A confidence as Textract writes it. */
export const percent = (value: number) => rounded(Math.min(100, Math.max(0, value)));
const rounded = (value: number) => Math.round(value * 1e7) / 1e7;
