import { PDFDocument, StandardFonts } from "pdf-lib";

/** A PDF with a text layer and as many pages as wanted; each name is another document. */
export async function smallPdf(name: string, pages = 1): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  // Else two calls in different seconds would make different bytes.
  document.setCreationDate(new Date(0));
  document.setModificationDate(new Date(0));
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (let page = 1; page <= pages; page++) {
    const text = `This is page ${page} of the document that is called ${name}.`;
    document.addPage([595, 842]).drawText(text, { x: 50, y: 780, size: 11, font });
  }
  return document.save();
}
