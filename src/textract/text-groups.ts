import type { Box, Line } from "../contract/page.ts";

/** Lines that stand together. */
export interface TextGroup {
  box: Box;
  /** Mean confidence of the lines, 0-100. */
  confidence: number;
  /** Places of the lines in the page. */
  lines: number[];
}

/**
 * Puts lines together that follow each other in reading order, overlap from left to right, and stand less than a
 * line's height apart: paragraphs, in plain documents. This is geometry alone; nothing is known of titles, lists,
 * headers or tables.
 */
export function groupLines(lines: readonly Line[]): TextGroup[] {
  const groups: TextGroup[] = [];
  lines.forEach((line, at) => {
    const last = groups.at(-1);
    const previous = lines[at - 1];
    if (last !== undefined && previous !== undefined && together(previous.box, line.box)) {
      last.confidence = (last.confidence * last.lines.length + line.confidence) / (last.lines.length + 1);
      last.lines.push(at);
      last.box = union(last.box, line.box);
    } else {
      groups.push({ box: line.box, confidence: line.confidence, lines: [at] });
    }
  });
  return groups;
}

function together(above: Box, below: Box): boolean {
  const gap = below.top - (above.top + above.height);
  const height = Math.max(above.height, below.height);
  const overlap = Math.min(above.left + above.width, below.left + below.width) - Math.max(above.left, below.left);
  return below.top > above.top && gap < height && overlap > 0;
}

function union(a: Box, b: Box): Box {
  const left = Math.min(a.left, b.left);
  const top = Math.min(a.top, b.top);
  const right = Math.max(a.left + a.width, b.left + b.width);
  const bottom = Math.max(a.top + a.height, b.top + b.height);
  return { left, top, width: right - left, height: bottom - top };
}
