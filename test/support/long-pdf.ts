import { PDFDocument, StandardFonts } from "pdf-lib";

// Ordinary words: a text layer of them is trusted, and nothing has to be recognised.
const sentence = "the lease of this house was signed by owner and the tenant";
const lines = 50;

/** Words on each page of {@link longPdf}. */
export const wordsOfPage = lines * sentence.split(" ").length;

/**
 * A PDF of two pages with a text layer. It has more blocks than one answer of Textract holds, and its second page begins
 * in the first answer; each name is another document.
 */
export async function longPdf(name: string): Promise<Uint8Array> {
  const pdf = await PDFDocument.create();
  pdf.setTitle(name);
  // Else two calls in different seconds would make different bytes.
  pdf.setCreationDate(new Date(0));
  pdf.setModificationDate(new Date(0));
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  for (let page = 1; page <= 2; page++) {
    const sheet = pdf.addPage([595, 842]);
    for (let line = 0; line < lines; line++) sheet.drawText(sentence, { x: 40, y: 800 - line * 15, size: 8, font });
  }
  return pdf.save();
}
