// @ts-check
import { encodeJpeg, encodePng, encodeTiff } from "./images.mjs";
import { createRandom } from "./random.mjs";
import { renderPages, toGrey } from "./render.mjs";
import { addHiddenText, addScannedPage, createPdf, turnClockwise } from "./scanned-pdf.mjs";
import { scanBilevel, scanGrey } from "./scanner.mjs";
import { affidavit, badHiddenText } from "./texts/affidavit.mjs";
import { article } from "./texts/article.mjs";
import { complaint } from "./texts/complaint.mjs";
import { deposition } from "./texts/deposition.mjs";
import { invoice } from "./texts/invoice.mjs";
import { leaseAmendment } from "./texts/lease.mjs";
import { demandLetter } from "./texts/letter.mjs";
import { minutes } from "./texts/minutes.mjs";
import { noticeOfDefault } from "./texts/notice.mjs";
import { courtOrder } from "./texts/order.mjs";
import { production } from "./texts/production.mjs";
import { serviceAgreement } from "./texts/service-agreement.mjs";
import { scannedExhibits, settlement } from "./texts/settlement.mjs";

/** @import { PDFDocument, PDFPage } from "pdf-lib" */
/** @import { BilevelImage } from "./g4.mjs" */
/** @import { GreyImage } from "./render.mjs" */
/** @import { Typesetter } from "./typesetter.mjs" */

/**
 * A document and what is printed on each of its pages.
 * @typedef {{ extension: string, data: Uint8Array, pages: string[] }} Sample
 */

/** How each sample is made, by its file's name. @type {Record<string, () => Promise<Sample>>} */
export const recipes = {
  "service-agreement": async () => {
    const set = await serviceAgreement();
    const pages = set.finish();
    return { extension: "pdf", data: await set.save(), pages };
  },

  "complaint-200dpi-grey": () =>
    scannedPdf(complaint(), 200, (sheet, seed) =>
      scanGrey(sheet, {
        seed,
        skew: [0.2, -0.15, 0.3][seed % 3],
        blur: 0.65,
        noise: 2.5,
        paper: 244,
        ink: 34,
        shade: 0.06,
      }),
    ),

  "lease-amendment-300dpi-grey": () =>
    scannedPdf(leaseAmendment(), 300, (sheet, seed) =>
      scanGrey(sheet, { seed, skew: 0.12, blur: 0.9, noise: 2, paper: 247, ink: 26, shade: 0.03 }),
    ),

  "notice-200dpi-bilevel": () =>
    scannedPdf(noticeOfDefault(), 200, (sheet, seed) =>
      scanBilevel(sheet, { seed, skew: -0.25, blur: 0.7, noise: 10, specks: 0.4, threshold: 172 }),
    ),

  "minutes-300dpi-bilevel": () =>
    scannedPdf(minutes(), 300, (sheet, seed) =>
      scanBilevel(sheet, { seed, skew: 0.15, blur: 0.9, noise: 7, specks: 0.25, threshold: 168 }),
    ),

  "demand-letter-skewed-noisy": () =>
    scannedPdf(
      demandLetter(),
      200,
      (sheet, seed) =>
        scanGrey(sheet, {
          seed,
          skew: seed % 2 === 0 ? 1.9 : -1.4,
          blur: 0.85,
          noise: 9,
          paper: 214,
          ink: 62,
          shade: 0.18,
          specks: 1.5,
          edge: 14,
          punched: true,
          showThrough: 0.08,
        }),
      60,
    ),

  "settlement-mixed": async () => {
    const set = await settlement();
    const pages = set.finish();
    const born = set.pdf;
    const sheets = renderPages(await set.save(), 200);
    const pdf = await createPdf();
    for (let i = 0; i < pages.length; i++) {
      if (!scannedExhibits.includes(i)) {
        const [page] = await pdf.copyPages(born, [i]);
        pdf.addPage(/** @type {PDFPage} */ (page));
        continue;
      }
      const sheet = toGrey(/** @type {any} */ (sheets[i]));
      const scan = scanGrey(sheet, {
        seed: 700 + i,
        skew: -0.3,
        blur: 0.7,
        noise: 3,
        paper: 240,
        ink: 40,
        shade: 0.08,
      });
      // The second exhibit went through the scanner sideways; the page's Rotate entry puts it right.
      if (i === 3) await addScannedPage(pdf, turnClockwise(scan), { quality: 62, rotate: 270 });
      else await addScannedPage(pdf, scan, { quality: 62 });
    }
    return { extension: "pdf", data: await savePdf(pdf), pages };
  },

  "production-60-pages": () =>
    scannedPdf(production(60), 200, (sheet, seed) => {
      const random = createRandom(seed);
      const skew = random.between(-0.4, 0.4);
      return scanBilevel(sheet, { seed, skew, blur: 0.65, noise: 6, specks: 0.3, threshold: random.integer(158, 180) });
    }),

  "deposition-300dpi": async () => {
    const { sheets, pages } = await print(deposition(), 300);
    const images = sheets.map((sheet, i) =>
      scanBilevel(sheet, { seed: 900 + i, skew: 0.1, blur: 0.9, noise: 6, specks: 0.2, threshold: 168 }),
    );
    return { extension: "tiff", data: encodeTiff(images), pages };
  },

  invoice: async () => {
    const set = await invoice();
    const pages = set.finish();
    const [sheet] = renderPages(await set.save(), 200);
    return { extension: "jpg", data: await encodeJpeg(/** @type {any} */ (sheet), 85), pages };
  },

  "court-order": async () => {
    const { sheets, pages } = await print(courtOrder(), 200);
    const sheet = /** @type {GreyImage} */ (sheets[0]);
    return {
      extension: "png",
      data: encodePng(scanGrey(sheet, { seed: 1100, skew: 0.2, noise: 2, paper: 252 })),
      pages,
    };
  },

  "article-two-columns": () =>
    scannedPdf(article(), 300, (sheet, seed) =>
      scanBilevel(sheet, { seed, skew: -0.1, blur: 0.9, noise: 6, specks: 0.2, threshold: 172 }),
    ),

  "affidavit-bad-text-layer": async () => {
    const { sheets, pages } = await print(affidavit(), 200);
    const pdf = await createPdf();
    for (const [i, sheet] of sheets.entries()) {
      const scan = scanBilevel(sheet, { seed: 1300 + i, skew: 0.2, blur: 0.65, noise: 6, specks: 0.3, threshold: 178 });
      const page = await addScannedPage(pdf, scan);
      addHiddenText(page, badHiddenText[i] ?? []);
    }
    return { extension: "pdf", data: await savePdf(pdf), pages };
  },
};

/** @param {Promise<Typesetter>} setting @param {number} dpi */
async function print(setting, dpi) {
  const set = await setting;
  const pages = set.finish();
  return { sheets: renderPages(await set.save(), dpi).map(toGrey), pages };
}

/**
 * @param {Promise<Typesetter>} setting
 * @param {number} dpi
 * @param {(sheet: GreyImage, seed: number) => GreyImage | BilevelImage} scan
 * @param {number} [quality] of the JPEG, where the scan is grey
 * @returns {Promise<Sample>}
 */
async function scannedPdf(setting, dpi, scan, quality = 68) {
  const { sheets, pages } = await print(setting, dpi);
  const pdf = await createPdf();
  // Page after page: a scanned sheet at 300 DPI takes tens of megabytes while it is worked on.
  for (const [i, sheet] of sheets.entries()) await addScannedPage(pdf, scan(sheet, i + 1), { quality });
  return { extension: "pdf", data: await savePdf(pdf), pages };
}

/** @param {PDFDocument} pdf */
function savePdf(pdf) {
  return pdf.save({ useObjectStreams: false, addDefaultPage: false });
}
