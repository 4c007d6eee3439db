import type { Rule } from "../contract/page.ts";
import { heap, type PdfDocument } from "../media/pdfium.ts";
import { pageToDisplay } from "./page-to-display.ts";

/** Most rules that are kept of a page, and most path segments that are looked at: a drawing may have millions. */
const mostRules = 2000;
const mostSegments = 100_000;
/** How far from upright a rule may lean, and how short it may be, as fractions of the page. */
const slant = 0.001;
const shortest = 0.008;

const pathObject = 2;
const moveTo = 2;
const bezier = 1;

interface Point {
  x: number;
  y: number;
}

/**
 * Straight horizontal and vertical strokes that a loaded page draws itself: borders of tables, lines of forms. Those
 * inside form objects and pictures are not looked at.
 */
export function readRules(document: PdfDocument, page: number): Rule[] {
  const { pdfium } = document;
  const scratch = pdfium.pdfium.wasmExports.malloc(32);
  const rules: Rule[] = [];
  let looked = 0;
  try {
    const toBox = pageToDisplay(document, page);
    const count = pdfium.FPDFPage_CountObjects(page);
    for (let i = 0; i < count && rules.length < mostRules && looked < mostSegments; i++) {
      const object = pdfium.FPDFPage_GetObject(page, i);
      if (pdfium.FPDFPageObj_GetType(object) === pathObject) addPath(object, toBox);
    }
  } finally {
    pdfium.pdfium.wasmExports.free(scratch);
  }
  return rules;

  function addPath(path: number, toBox: ReturnType<typeof pageToDisplay>): void {
    const matrix = pdfium.FPDFPageObj_GetMatrix(path, scratch) ? floats(6) : [1, 0, 0, 1, 0, 0];
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = matrix;
    const segments = Math.min(pdfium.FPDFPath_CountSegments(path), mostSegments - looked);
    looked += segments;
    let [start, at]: [Point | undefined, Point | undefined] = [undefined, undefined];
    for (let i = 0; i < segments; i++) {
      const segment = pdfium.FPDFPath_GetPathSegment(path, i);
      if (!pdfium.FPDFPathSegment_GetPoint(segment, scratch, scratch + 4)) continue;
      const [x = 0, y = 0] = floats(2);
      const point = { x: a * x + c * y + e, y: b * x + d * y + f };
      const type = pdfium.FPDFPathSegment_GetType(segment);
      if (type === moveTo) start = point;
      else if (type !== bezier) addStroke(at, point, toBox);
      if (pdfium.FPDFPathSegment_GetClose(segment)) addStroke(point, start, toBox);
      at = point;
    }
  }

  function addStroke(from: Point | undefined, to: Point | undefined, toBox: ReturnType<typeof pageToDisplay>): void {
    if (from === undefined || to === undefined || rules.length >= mostRules) return;
    const box = toBox({
      left: Math.min(from.x, to.x),
      right: Math.max(from.x, to.x),
      bottom: Math.min(from.y, to.y),
      top: Math.max(from.y, to.y),
    });
    const { left, top, width, height } = box;
    if (height <= slant && width >= shortest) {
      rules.push({ direction: "horizontal", at: top + height / 2, from: left, to: left + width });
    } else if (width <= slant && height >= shortest) {
      rules.push({ direction: "vertical", at: left + width / 2, from: top, to: top + height });
    }
  }

  function floats(count: number): number[] {
    return [...new Float32Array(heap(pdfium).buffer, scratch, count)];
  }
}
