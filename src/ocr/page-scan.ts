import { heap, type PageImage, type PdfDocument, type SyncByteSource } from "../media/pdfium.ts";
import { pageToDisplay } from "./page-to-display.ts";
import type { GreyPicture } from "./picture-analysis.ts";

// A page that is one grey scan on its own grid of pixels is the same drawn and decoded, and decoding alone takes a
// third of the time (0.06 s of 0.2 s at 300 DPI) and 9 MiB less of memory.

// FPDF_PAGEOBJ_IMAGE, fpdf_edit.h; FPDFBitmap_Gray, fpdfview.h.
const objectImage = 3;
const formatGrey = 1;
/** FPDF_COLORSPACE_DEVICEGRAY, _CALGRAY, _ICCBASED (fpdf_edit.h); a stencil, through which ink is laid, has none. */
const greySpaces = new Set([1, 4, 7]);
/** struct FPDF_IMAGEOBJ_METADATA: seven fields of 4 bytes, the sixth is the colour space. */
const metadataBytes = 28;
const colorSpaceAt = 20;

/**
 * Takes a page's pixels from its scan, as the file holds them. The caller must know that no image of the document has
 * a mask ({@link mayHideImages}): pdfium leaves masks out here.
 * @param into of the size that the page is to have
 * @returns whether it did; false: the page must be drawn, because there is more to it than one upright scan
 */
export function copyScan(
  document: PdfDocument,
  page: number,
  images: readonly PageImage[],
  { width, height, grey }: GreyPicture,
): boolean {
  const { pdfium } = document;
  const [image, ...others] = images;
  if (image === undefined || others.length > 0 || image.width !== width || image.height !== height) return false;
  if (pdfium.FPDFPage_CountObjects(page) !== 1 || pdfium.FPDFPage_GetRotation(page) !== 0) return false;
  const object = pdfium.FPDFPage_GetObject(page, 0);
  if (!isPlainImage(document, page, object) || !fillsPage(document, page, image)) return false;
  const bitmap = pdfium.FPDFImageObj_GetBitmap(object);
  if (bitmap === 0) return false;
  try {
    const same = pdfium.FPDFBitmap_GetWidth(bitmap) === width && pdfium.FPDFBitmap_GetHeight(bitmap) === height;
    if (!same || pdfium.FPDFBitmap_GetFormat(bitmap) !== formatGrey) return false;
    const stride = pdfium.FPDFBitmap_GetStride(bitmap);
    const start = pdfium.FPDFBitmap_GetBuffer(bitmap);
    const memory = heap(pdfium);
    for (let row = 0; row < height; row++) {
      grey.set(memory.subarray(start + row * stride, start + row * stride + width), row * width);
    }
    return true;
  } finally {
    pdfium.FPDFBitmap_Destroy(bitmap);
  }
}

/** Opaque, upright, not clipped, in no layer that may be off, and of grey values. */
function isPlainImage({ pdfium }: PdfDocument, page: number, object: number): boolean {
  if (pdfium.FPDFPageObj_GetType(object) !== objectImage || pdfium.FPDFPageObj_HasTransparency(object)) return false;
  if (pdfium.FPDFPageObj_CountMarks(object) > 0) return false;
  if (pdfium.FPDFClipPath_CountPaths(pdfium.FPDFPageObj_GetClipPath(object)) > 0) return false;
  const { malloc, free } = pdfium.pdfium.wasmExports;
  const scratch = malloc(metadataBytes);
  try {
    if (!pdfium.FPDFPageObj_GetMatrix(object, scratch)) return false;
    const [a = 0, b = 0, c = 0, d = 0] = new Float32Array(heap(pdfium).buffer, scratch, 4);
    if (a <= 0 || b !== 0 || c !== 0 || d <= 0) return false;
    if (!pdfium.FPDFImageObj_GetImageMetadata(object, page, scratch)) return false;
    return greySpaces.has(pdfium.pdfium.getValue(scratch + colorSpaceAt, "i32"));
  } finally {
    free(scratch);
  }
}

/** Whether an image's edges are the page's, to half a pixel. */
function fillsPage(document: PdfDocument, page: number, { width, height, bounds }: PageImage): boolean {
  const { pdfium } = document;
  // What is seen of it, and all of it: a part outside of the page is cut off.
  const seen = pageToDisplay(document, page)(bounds);
  const across = (bounds.right - bounds.left) / pdfium.FPDF_GetPageWidthF(page);
  const down = (bounds.top - bounds.bottom) / pdfium.FPDF_GetPageHeightF(page);
  const isWhole = (part: number, pixels: number) => Math.abs(1 - part) * pixels < 0.5;
  return isWhole(seen.width, width) && isWhole(across, width) && isWhole(seen.height, height) && isWhole(down, height);
}

const chunkBytes = 1 << 20;
/** /SMask, /Mask, /ImageMask, and /SMaskInData of JPEG 2000. */
const mask = Buffer.from("Mask");
/** Membership of a layer that may be off. */
const layer = Buffer.from("/OC");
/** White space and delimiters (ISO 32000-1, 7.2.2) that an indirect reference or a dictionary may follow. */
const endOfName = Buffer.from("\0\t\n\f\r /<%");

/**
 * Whether an image of a PDF may have a mask or belong to a layer. An image is a stream, and the dictionary of a stream
 * lies in the file as plain text, even where the file is encrypted; so a file without these words has neither.
 * Now and then compressed data hold such a word by chance, which costs time only.
 */
export function mayHideImages(pdf: SyncByteSource): boolean {
  const overlap = mask.length;
  const chunk = Buffer.alloc(Math.min(chunkBytes + overlap, pdf.size));
  for (let offset = 0; offset < pdf.size; offset += chunkBytes) {
    const part = chunk.subarray(0, Math.min(chunk.length, pdf.size - offset));
    pdf.read(offset, part);
    if (part.includes(mask) || hasLayer(part)) return true;
  }
  return false;
}

/** `/OC` as a whole name: `/OCProperties` alone hides nothing. */
function hasLayer(part: Buffer): boolean {
  for (let at = part.indexOf(layer); at >= 0; at = part.indexOf(layer, at + 1)) {
    const next = part[at + layer.length];
    if (next === undefined || endOfName.includes(next)) return true;
  }
  return false;
}
