import type { Box } from "../contract/page.ts";
import type { PdfDocument } from "../media/pdfium.ts";
import { hideText } from "./hide-text.ts";
import { keepOnly } from "./page-pictures.ts";
import { copyScan } from "./page-scan.ts";
import { analyzePicture } from "./picture-analysis.ts";
import { createPictureFile } from "./picture-file.ts";
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
  /** The picture as a file. */
  file: Uint8Array;
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
 * @param plain whether no image of the document has a mask, so that a scan need not be drawn
 * @param only places that are kept of the page, without text objects; the rest stays white (fractions of it as displayed);
 * left out: all of it
 */
export function drawPage(
  document: PdfDocument,
  page: number,
  size: PageToDraw,
  options: {
    maxPixels: number;
    attempt: number;
    quarters: number | undefined;
    plain: boolean;
    only?: readonly Box[] | undefined;
  },
): PageDrawing {
  const { maxPixels, attempt, quarters, plain, only } = options;
  const displayed = { ...size, ...(isOdd(quarters ?? 0) ? { width: size.height, height: size.width } : {}) };
  const plan = planRaster(displayed, maxPixels, attempt);
  const picture = createPictureFile(plan);
  if (only !== undefined) hideText(document, page);
  const copied = plain && (quarters ?? 0) === 0 && copyScan(document, page, size.images, picture);
  if (!copied) document.renderGrey(page, plan.width, plan.height, { quarters: quarters ?? 0, into: picture.grey });
  if (only !== undefined) keepOnly(picture, only, quarters ?? 0);
  const analysis = analyzePicture(picture);
  if (analysis.sideways && quarters === undefined) {
    return drawPage(document, page, size, { ...options, quarters: 1 });
  }
  const before = { width: plan.width, height: plan.height };
  const upright: Turn = { quarters: quarters ?? 0, straightened: 0, before, after: before };
  const { dpi } = plan;
  // Not `...picture`: its view of the pixels would keep them alive when `file` is emptied.
  const drawn = { file: picture.file, ...before, dpi, turn: upright, blank: analysis.blank };
  if (analysis.blank) return drawn;
  if (analysis.noise > noisy) smooth(picture);
  if (analysis.unevenness > uneven) evenOut(picture, analysis.paper);
  if (analysis.sideways || Math.abs(analysis.skew) < skewed) return drawn;
  const straight = createPictureFile(turnedSize(before, analysis.skew));
  straighten(picture, analysis.skew, straight);
  const after = { width: straight.width, height: straight.height };
  return { ...drawn, file: straight.file, ...after, turn: { ...upright, straightened: analysis.skew, after } };
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}
