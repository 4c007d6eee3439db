import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PDFDocument, StandardFonts } from "pdf-lib";

/** A PDF in which the pages of another are repeated; they share its pictures, so the file is small. */
export async function repeatPages(file, folder, pages) {
  const pdf = await PDFDocument.load(await readFile(file));
  const originals = pdf.getPageCount();
  for (let page = originals; page < pages; page++) {
    const { node } = pdf.getPage(page % originals);
    const added = pdf.addPage();
    for (const [key, value] of node.entries()) if (key.asString() !== "/Parent") added.node.set(key, value);
  }
  const path = join(folder, `scan-${pages}.pdf`);
  await writeFile(path, await pdf.save());
  return { file: path, pages };
}

/** Pages of 45 lines of prose, as a word processor writes them. */
export async function makeBornDigital(folder, pages) {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.TimesRoman);
  for (let number = 1; number <= pages; number++) {
    const page = pdf.addPage([612, 792]);
    for (let line = 0; line < 45; line++) {
      const text = `${number}.${line} The harbour master closed the northern gate at noon because the tide was high.`;
      page.drawText(text, { x: 72, y: 730 - line * 14, size: 11, font });
    }
  }
  const path = join(folder, `born-digital-${pages}.pdf`);
  await writeFile(path, await pdf.save());
  return path;
}
