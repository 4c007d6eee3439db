// @ts-check
import {
  concatTransformationMatrix,
  degrees,
  drawObject,
  PDFDocument,
  PDFName,
  PDFRawStream,
  popGraphicsState,
  pushGraphicsState,
  StandardFonts,
  setTextRenderingMode,
  TextRenderingMode,
} from "pdf-lib";
import { encodeG4 } from "./g4.mjs";
import { encodeJpeg } from "./images.mjs";

/** @import { PDFPage } from "pdf-lib" */
/** @import { BilevelImage } from "./g4.mjs" */
/** @import { GreyImage } from "./render.mjs" */

export function createPdf() {
  return PDFDocument.create({ updateMetadata: false });
}

/**
 * Adds a page that is nothing but a picture, as scanners make them: JPEG for grey, Group 4 for 1-bit.
 * @param {PDFDocument} pdf
 * @param {GreyImage | BilevelImage} image
 * @param {{ quality?: number, rotate?: 0 | 90 | 180 | 270 }} [options] `rotate`: the picture lies that many degrees
 *   turned in the file, and the page's Rotate entry turns it upright again for the reader
 * @returns {Promise<PDFPage>}
 */
export async function addScannedPage(pdf, image, options = {}) {
  const bilevel = "black" in image;
  const data = bilevel ? encodeG4(image) : await encodeJpeg(image, options.quality ?? 55);
  const { width, height } = image;
  const dict = pdf.context.obj({
    Type: "XObject",
    Subtype: "Image",
    Width: width,
    Height: height,
    ColorSpace: "DeviceGray",
    BitsPerComponent: bilevel ? 1 : 8,
    Filter: bilevel ? "CCITTFaxDecode" : "DCTDecode",
    ...(bilevel ? { DecodeParms: { K: -1, Columns: width, Rows: height } } : {}),
  });
  const reference = pdf.context.register(PDFRawStream.of(dict, data));
  const points = /** @type {[number, number]} */ ([(width * 72) / image.dpi, (height * 72) / image.dpi]);
  const page = pdf.addPage(points);
  page.node.setXObject(PDFName.of("Scan"), reference);
  page.pushOperators(
    pushGraphicsState(),
    concatTransformationMatrix(points[0], 0, 0, points[1], 0, 0),
    drawObject("Scan"),
    popGraphicsState(),
  );
  if (options.rotate) page.setRotation(degrees(options.rotate));
  return page;
}

/**
 * Puts invisible text over a page, as OCR programs do; here it is the text of a bad one.
 * @param {PDFPage} page
 * @param {string[]} lines
 */
export function addHiddenText(page, lines) {
  const font = page.doc.embedStandardFont(StandardFonts.Helvetica);
  page.pushOperators(setTextRenderingMode(TextRenderingMode.Invisible));
  lines.forEach((text, i) => {
    page.drawText(text, { x: 70, y: page.getHeight() - 80 - i * 14, size: 10, font });
  });
}

/**
 * The picture turned clockwise by a quarter.
 * @param {GreyImage} image
 * @returns {GreyImage}
 */
export function turnClockwise(image) {
  const { width, height, grey } = image;
  const turned = new Uint8Array(grey.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      turned[x * height + (height - 1 - y)] = /** @type {number} */ (grey[y * width + x]);
    }
  }
  return { width: height, height: width, dpi: image.dpi, grey: turned };
}
