import type { PdfDocument } from "../media/pdfium.ts";
import { analyzePicture, type GreyPicture } from "./picture-analysis.ts";
import { evenOut, smooth, straighten, type Turn, turnedSize } from "./picture-treatment.ts";
import { type PageToDraw, planRaster } from "./raster-plan.ts";

/** From this noise on a picture is smoothed: print alone measures up to 4, a fax 8, a bad sensor 10 and more. */
const noisy = 5;
/** From this unevenness of the paper on one threshold does not part ink and paper everywhere; even paper measures 0.05. */
const uneven = 0.2;
/** Degrees; Tesseract itself reads lines that are turned by up to 2. */
const skewed = 1;

/** A page as it is recognised. */
export interface PageDrawing {
  /** Binary PGM, 8 bits. */
  pgm: Uint8Array;
  width: number;
  height: number;
  dpi: number | undefined;
  /** How it was turned, against the page as displayed. */
  turn: Turn;
  blank: boolean;
}

/**
 * Draws a loaded page and makes it fit to be read, as far as it needs that: noise is smoothed, shadows are evened out,
 * sideways and skewed pages are turned.
 *
 * @param quarters clockwise quarter turns; undefined: as displayed, or a quarter when its lines run up or down
 */
export function drawPage(
  document: PdfDocument,
  page: number,
  size: PageToDraw,
  { maxPixels, attempt, quarters }: { maxPixels: number; attempt: number; quarters: number | undefined },
): PageDrawing {
  const displayed = { ...size, ...(isOdd(quarters ?? 0) ? { width: size.height, height: size.width } : {}) };
  const plan = planRaster(displayed, maxPixels, attempt);
  const picture = createPicture(plan);
  document.renderGrey(page, plan.width, plan.height, { quarters: quarters ?? 0, into: picture.grey });
  const analysis = analyzePicture(picture);
  if (analysis.sideways && quarters === undefined) {
    return drawPage(document, page, size, { maxPixels, attempt, quarters: 1 });
  }
  const before = { width: plan.width, height: plan.height };
  const upright: Turn = { quarters: quarters ?? 0, straightened: 0, before, after: before };
  const { dpi } = plan;
  // Not `...picture`: its view of the pixels would keep them alive when `pgm` is emptied.
  const drawn = { pgm: picture.pgm, ...before, dpi, turn: upright, blank: analysis.blank };
  if (analysis.blank) return drawn;
  if (analysis.noise > noisy) smooth(picture);
  if (analysis.unevenness > uneven) evenOut(picture, analysis.paper);
  if (analysis.sideways || Math.abs(analysis.skew) < skewed) return drawn;
  const straight = createPicture(turnedSize(before, analysis.skew));
  straighten(picture, analysis.skew, straight);
  const after = { width: straight.width, height: straight.height };
  return { ...drawn, pgm: straight.pgm, ...after, turn: { ...upright, straightened: analysis.skew, after } };
}

/** A picture whose pixels lie in a PGM file, behind its header. */
function createPicture({ width, height }: { width: number; height: number }): GreyPicture & { pgm: Uint8Array } {
  const header = Buffer.from(`P5\n${width} ${height}\n255\n`, "latin1");
  const pgm = new Uint8Array(header.length + width * height);
  pgm.set(header);
  return { width, height, grey: pgm.subarray(header.length), pgm };
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}
