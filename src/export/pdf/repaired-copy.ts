import { writeSync } from "node:fs";
import { DocketError } from "../../contract/failures.ts";
import { heap, type PdfDocument } from "../../media/pdfium.ts";

/**
 * Writes a PDF anew, as pdfium understands it: objects that the file's cross references do not lead to are found, and
 * cross references are written that do. The pages look the same; the file's bytes are others.
 * @param document freshly opened: changes that were made in memory would be written as well
 * @throws {DocketError} `Corrupt` when pdfium cannot write it
 */
export function writeRepairedCopy(document: PdfDocument, file: number): void {
  const { pdfium } = document;
  const runtime = pdfium.pdfium;
  let failure: unknown;
  const callback = runtime.addFunction((_writer: number, data: number, size: number) => {
    try {
      for (let done = 0; done < size; ) done += writeSync(file, heap(pdfium), data + done, size - done);
      return 1;
    } catch (error) {
      failure ??= error;
      return 0;
    }
  }, "iiii");
  // struct FPDF_FILEWRITE { int version; int (*WriteBlock)(...); }
  const writer = runtime.wasmExports.malloc(8);
  try {
    runtime.setValue(writer, 1, "i32");
    runtime.setValue(writer + 4, callback, "i32");
    const noIncremental = 2;
    const written = pdfium.FPDF_SaveAsCopy(document.handle, writer, noIncremental);
    if (failure !== undefined) throw failure;
    document.throwReadError();
    if (!written) throw new DocketError("Corrupt", `${document.name} is damaged and could not be written anew.`);
  } finally {
    runtime.wasmExports.free(writer);
    runtime.removeFunction(callback);
  }
}
