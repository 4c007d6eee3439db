import type { PdfDocument } from "../media/pdfium.ts";

// FPDF_PAGEOBJ_*, fpdf_edit.h.
const objectText = 1;
const objectForm = 5;
/** Forms inside forms that are looked into, as deep as images are looked for. */
const deepest = 5;

/**
 * Leaves a loaded page without its text objects when it is drawn, those inside form objects included. It stays so until
 * the page is closed.
 */
export function hideText({ pdfium }: PdfDocument, page: number): void {
  const hide = (object: number, depth: number) => {
    const type = pdfium.FPDFPageObj_GetType(object);
    if (type === objectText) pdfium.FPDFPageObj_SetIsActive(object, false);
    if (type !== objectForm || depth >= deepest) return;
    const count = pdfium.FPDFFormObj_CountObjects(object);
    for (let i = 0; i < count; i++) hide(pdfium.FPDFFormObj_GetObject(object, i), depth + 1);
  };
  const count = pdfium.FPDFPage_CountObjects(page);
  for (let i = 0; i < count; i++) hide(pdfium.FPDFPage_GetObject(page, i), 0);
}
