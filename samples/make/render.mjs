// @ts-check
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { init } from "@embedpdf/pdfium";

/**
 * @typedef {{ width: number, height: number, dpi: number, grey: Uint8Array }} GreyImage one byte a pixel, 255 white
 * @typedef {{ width: number, height: number, dpi: number, rgba: Uint8Array }} ColorImage four bytes a pixel
 */

const wasm = await readFile(fileURLToPath(import.meta.resolve("@embedpdf/pdfium/pdfium.wasm")));
const pdfium = await init({ wasmBinary: /** @type {any} */ (wasm) });
pdfium.PDFiumExt_Init();
// The heap is there, but the package's types leave it out.
const runtime = /** @type {typeof pdfium.pdfium & { HEAPU8: Uint8Array }} */ (pdfium.pdfium);

const bgrx = 3;

/**
 * Renders every page of a PDF: the clean sheet of paper that is scanned afterwards.
 * @param {Uint8Array} pdf
 * @param {number} dpi
 * @returns {ColorImage[]}
 */
export function renderPages(pdf, dpi) {
  const data = runtime.wasmExports.malloc(pdf.length);
  runtime.HEAPU8.set(pdf, data);
  const document = pdfium.FPDF_LoadMemDocument(data, pdf.length, "");
  if (!document) throw new Error(`pdfium cannot open its own document (error ${pdfium.FPDF_GetLastError()})`);
  const pages = [];
  for (let i = 0; i < pdfium.FPDF_GetPageCount(document); i++) pages.push(renderPage(document, i, dpi));
  pdfium.FPDF_CloseDocument(document);
  runtime.wasmExports.free(data);
  return pages;
}

/** @param {number} document @param {number} index @param {number} dpi @returns {ColorImage} */
function renderPage(document, index, dpi) {
  const page = pdfium.FPDF_LoadPage(document, index);
  const width = Math.round((pdfium.FPDF_GetPageWidthF(page) * dpi) / 72);
  const height = Math.round((pdfium.FPDF_GetPageHeightF(page) * dpi) / 72);
  const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, bgrx, 0, 0);
  pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xffffffff);
  pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, 0);
  const start = pdfium.FPDFBitmap_GetBuffer(bitmap);
  const stride = pdfium.FPDFBitmap_GetStride(bitmap);
  // Read the heap only now: rendering may have grown, and so replaced, it.
  const heap = runtime.HEAPU8;
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = start + y * stride + x * 4;
      const to = (y * width + x) * 4;
      rgba[to] = /** @type {number} */ (heap[from + 2]);
      rgba[to + 1] = /** @type {number} */ (heap[from + 1]);
      rgba[to + 2] = /** @type {number} */ (heap[from]);
      rgba[to + 3] = 255;
    }
  }
  pdfium.FPDFBitmap_Destroy(bitmap);
  pdfium.FPDF_ClosePage(page);
  return { width, height, dpi, rgba };
}

/** @param {ColorImage} image @returns {GreyImage} */
export function toGrey(image) {
  const grey = new Uint8Array(image.width * image.height);
  for (let i = 0; i < grey.length; i++) {
    const red = /** @type {number} */ (image.rgba[i * 4]);
    const green = /** @type {number} */ (image.rgba[i * 4 + 1]);
    const blue = /** @type {number} */ (image.rgba[i * 4 + 2]);
    grey[i] = (red * 77 + green * 150 + blue * 29) >> 8;
  }
  return { width: image.width, height: image.height, dpi: image.dpi, grey };
}
