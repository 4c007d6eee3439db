import { DocketError } from "../contract/failures.ts";
import { heap, type PdfDocument } from "./pdfium.ts";

/**
 * Copies pages of a document into a new one and writes that. Pages keep their content, pictures, fonts and notes as they
 * are; what only the whole document had (outline, form fields' logic) stays behind.
 *
 * pdfium keeps to itself when it has no memory for a picture: callers that bound memory must ask whether a request for
 * memory was refused meanwhile, and throw away what was written then.
 *
 * @param pages 1-based, in the order of the new document
 * @param write takes the new document piece by piece; what it throws is thrown on
 * @throws {DocketError} `Corrupt` when a page cannot be taken over
 */
export function copyPages(document: PdfDocument, pages: readonly number[], write: (bytes: Uint8Array) => void): void {
  const { pdfium, name } = document;
  const runtime = pdfium.pdfium;
  const { malloc, free } = runtime.wasmExports;
  const copy = pdfium.FPDF_CreateNewDocument();
  if (copy === 0) throw new DocketError("OutOfMemory", `${name}: no memory for a second document.`);
  let writeError: unknown;
  const callback = runtime.addFunction((_self: number, data: number, length: number) => {
    try {
      write(heap(pdfium).subarray(data, data + length));
      return 1;
    } catch (error) {
      writeError ??= error;
      return 0;
    }
  }, "iiii");
  const indices = malloc(4 * pages.length);
  // struct FPDF_FILEWRITE { int version; int (*WriteBlock)(...); }
  const writer = malloc(8);
  try {
    for (const [i, page] of pages.entries()) runtime.setValue(indices + 4 * i, page - 1, "i32");
    const taken = pdfium.FPDF_ImportPagesByIndex(copy, document.handle, indices, pages.length, 0);
    document.throwReadError();
    if (!taken || pdfium.FPDF_GetPageCount(copy) !== pages.length) {
      throw new DocketError("Corrupt", `${name}: ${pages.length} pages could not be taken out of it.`);
    }
    runtime.setValue(writer, 1, "i32");
    runtime.setValue(writer + 4, callback, "i32");
    const saved = pdfium.FPDF_SaveAsCopy(copy, writer, 0);
    if (writeError !== undefined) throw writeError;
    document.throwReadError();
    if (!saved)
      throw new DocketError("Corrupt", `${name}: its pages could not be written into a document of their own.`);
  } finally {
    free(indices);
    free(writer);
    runtime.removeFunction(callback);
    pdfium.FPDF_CloseDocument(copy);
  }
}
