import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderPages, toGrey } from "../../samples/make/render.mjs";
import { addScannedPage, createPdf } from "../../samples/make/scanned-pdf.mjs";
import { scanBilevel, scanGrey } from "../../samples/make/scanner.mjs";
import { complaint } from "../../samples/make/texts/complaint.mjs";
import { leaseAmendment } from "../../samples/make/texts/lease.mjs";
import { demandLetter } from "../../samples/make/texts/letter.mjs";
import { serviceAgreement } from "../../samples/make/texts/service-agreement.mjs";

// Pages whose text is known, because they are printed here and then scanned as badly as each condition says.

const texts = [complaint, serviceAgreement, demandLetter, leaseAmendment];

/** How a sheet is scanned, and the quality of the JPEG that holds the scan. */
export const conditions = {
  clean: { scan: (sheet, seed) => scanGrey(sheet, { seed, blur: 0.5, noise: 1 }), quality: 92 },
  skew: { scan: (sheet, seed) => scanGrey(sheet, { seed, skew: 1.8, blur: 0.6, noise: 2 }), quality: 85 },
  noise: { scan: (sheet, seed) => scanGrey(sheet, { seed, blur: 0.7, noise: 16, paper: 225, ink: 50 }), quality: 90 },
  jpeg: { scan: (sheet, seed) => scanGrey(sheet, { seed, blur: 0.6, noise: 3 }), quality: 18 },
  "low contrast": {
    scan: (sheet, seed) => scanGrey(sheet, { seed, blur: 0.7, noise: 3, paper: 168, ink: 112, shade: 0.15 }),
    quality: 85,
  },
  fax: {
    scan: (sheet, seed) => scanBilevel(sheet, { seed, skew: 0.3, blur: 0.8, noise: 14, specks: 1, threshold: 168 }),
    quality: 0,
  },
};

/**
 * Writes one PDF for each resolution, a page for each condition and text.
 * @param {string} folder
 * @param {{ texts: number, resolutions: number[] }} options texts of each condition (1-4), DPI
 * @returns {Promise<{ dpi: number, file: string, pages: { condition: string, text: string }[] }[]>}
 */
export async function makeGroundTruth(folder, { texts: count, resolutions }) {
  const made = [];
  for (const dpi of resolutions) {
    const pdf = await createPdf();
    const pages = [];
    for (const [i, print] of texts.slice(0, count).entries()) {
      const set = await print();
      const [text] = set.finish();
      const [sheet] = renderPages(await set.save(), dpi).map(toGrey);
      for (const [condition, { scan, quality }] of Object.entries(conditions)) {
        await addScannedPage(pdf, scan(sheet, 100 * dpi + i), { quality });
        pages.push({ condition, text });
      }
    }
    const file = join(folder, `truth-${dpi}.pdf`);
    await writeFile(file, await pdf.save({ useObjectStreams: false, addDefaultPage: false }));
    made.push({ dpi, file, pages });
  }
  return made;
}

/**
 * Edits (characters put in, left out, exchanged) that make a reading the truth, and how many characters that has.
 * @returns {{ errors: number, characters: number }}
 */
export function characterErrors(truth, reading) {
  const [a, b] = [plain(truth), plain(reading)];
  let above = Uint32Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = new Uint32Array(b.length + 1);
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const exchanged = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(exchanged, above[j] + 1, row[j - 1] + 1);
    }
    above = row;
  }
  return { errors: above[b.length], characters: a.length };
}

/** White space and the two ways of writing quotes and dashes are no errors. */
function plain(text) {
  return [
    ...text
      .normalize("NFKC")
      .replace(/[‘’‚‛]/g, "'")
      .replace(/[“”„]/g, '"')
      .replace(/[–—−]/g, "-")
      .replace(/\s+/g, " ")
      .trim(),
  ];
}
