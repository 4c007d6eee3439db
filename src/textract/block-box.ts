import type { Block } from "@aws-sdk/client-textract";
import type { Box } from "../contract/page.ts";

/** A block's upright box; all zero where Textract gives none. */
export function boxOf(block: Block): Box {
  const box = block.Geometry?.BoundingBox;
  return { left: box?.Left ?? 0, top: box?.Top ?? 0, width: box?.Width ?? 0, height: box?.Height ?? 0 };
}
