import type { Box } from "../contract/page.ts";
import { heap, type PdfDocument } from "../media/pdfium.ts";

/** A rectangle in a page's own system, points, origin at the bottom left. */
export interface PageRectangle {
  left: number;
  bottom: number;
  right: number;
  top: number;
}

/** Where places of a page's own system are displayed, as fractions of the displayed page. */
export interface PageAxes {
  /** Where the origin is. */
  zero: { x: number; y: number };
  /** How far one point along the page's own axes leads. */
  alongX: { x: number; y: number };
  alongY: { x: number; y: number };
}

/**
 * How a page is displayed (crop box, rotation), taken from pdfium at three points of a large imaginary screen, so that its
 * whole pixels are fine enough.
 */
export function pageAxes({ pdfium }: PdfDocument, page: number): PageAxes {
  const { malloc, free } = pdfium.pdfium.wasmExports;
  const scratch = malloc(8);
  const screen = 1_000_000;
  const unit = 100;
  const at = (x: number, y: number) => {
    pdfium.FPDF_PageToDevice(page, 0, 0, screen, screen, 0, x, y, scratch, scratch + 4);
    const [deviceX = 0, deviceY = 0] = new Int32Array(heap(pdfium).buffer, scratch, 2);
    return { x: deviceX / screen, y: deviceY / screen };
  };
  try {
    const zero = at(0, 0);
    const along = (end: { x: number; y: number }) => ({ x: (end.x - zero.x) / unit, y: (end.y - zero.y) / unit });
    return { zero, alongX: along(at(unit, 0)), alongY: along(at(0, unit)) };
  } finally {
    free(scratch);
  }
}

/** The mapping from a page's own system to the page as displayed; what is not displayed is cut off. */
export function pageToDisplay(document: PdfDocument, page: number): (rectangle: PageRectangle) => Box {
  const { zero, alongX, alongY } = pageAxes(document, page);
  const map = (x: number, y: number) => ({
    x: zero.x + alongX.x * x + alongY.x * y,
    y: zero.y + alongX.y * x + alongY.y * y,
  });
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  return ({ left, bottom, right, top }) => {
    const [a, b] = [map(left, bottom), map(right, top)];
    const [x, y] = [clamp(Math.min(a.x, b.x)), clamp(Math.min(a.y, b.y))];
    return { left: x, top: y, width: clamp(Math.max(a.x, b.x)) - x, height: clamp(Math.max(a.y, b.y)) - y };
  };
}

/** What is shown of a page: its crop box, within the media box. */
export function shownRectangle({ pdfium }: PdfDocument, page: number): PageRectangle {
  const { malloc, free } = pdfium.pdfium.wasmExports;
  const scratch = malloc(16);
  try {
    // struct FS_RECTF { float left, top, right, bottom; }
    if (!pdfium.FPDF_GetPageBoundingBox(page, scratch)) {
      return { left: -Infinity, bottom: -Infinity, right: Infinity, top: Infinity };
    }
    const [left = 0, top = 0, right = 0, bottom = 0] = new Float32Array(heap(pdfium).buffer, scratch, 4);
    return { left, bottom, right, top };
  } finally {
    free(scratch);
  }
}
