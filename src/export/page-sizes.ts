import { openDocument } from "../media/pdfium.ts";
import { openDocumentFile } from "../ocr/document-file.ts";
import { withinMemory } from "./free-memory.ts";

/** Pixels of a picture that may be decoded in memory; only transparent and interlaced PNG files are. */
export const decodedPixels = 9_000_000;

/**
 * Sizes of a document's pages as displayed: PDF points, or pixels of a picture.
 * @throws {DocketError} as opening the document does; `OutOfMemory`
 */
export async function readPageSizes(
  path: string,
  name: string,
): Promise<(number: number) => { width: number; height: number }> {
  return withinMemory(name, async () => {
    const file = await openDocumentFile(path, name, decodedPixels);
    try {
      const document = await openDocument(file.pdf, name);
      const sizes = Array.from({ length: document.pageCount }, (_, i) => document.pageSize(i + 1));
      document.close();
      return (number) => sizes[number - 1] ?? { width: 1, height: 1 };
    } finally {
      file.close();
    }
  });
}
