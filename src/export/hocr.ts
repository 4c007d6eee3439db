import { type Box, wordsOf } from "../contract/page.ts";
import type { ExportInput } from "./export-input.ts";
import { isPdf, type PlacedPage, placePages } from "./placed-page.ts";
import { escapeXml } from "./xml.ts";

/** Dots an inch that the places of a PDF are counted in; a picture's are its own pixels. */
const dotsPerInch = 300;

/** A document as hOCR 1.2: XHTML with one `ocr_page` a page, its areas, paragraphs, lines and words. */
export async function* toHocr(input: ExportInput): AsyncGenerator<string> {
  const name = escapeXml(input.document.fileName);
  yield `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>${name}</title>
  <meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
  <meta name="ocr-system" content="docket"/>
  <meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf"/>
  <meta name="ocr-number-of-pages" content="${input.document.storedPages}"/>
 </head>
 <body>
`;
  // The title attribute has a grammar of its own, in which the name is in double quotes.
  const image = escapeXml(`image "${input.document.fileName.replace(/["\\;]/g, "_")}"`);
  const resolution = isPdf(input) ? `; scan_res ${dotsPerInch} ${dotsPerInch}` : "";
  for await (const page of placePages(input, dotsPerInch / 72)) {
    const properties = `${image}; bbox 0 0 ${page.width} ${page.height}; ppageno ${page.number - 1}${resolution}`;
    yield `  <div class="ocr_page" id="page_${page.number}" title="${properties}">\n`;
    for (const [i, block] of page.blocks.entries()) yield blockElement(page, block, i + 1);
    yield "  </div>\n";
  }
  yield " </body>\n</html>\n";
}

function blockElement(page: PlacedPage, { box, lines }: PlacedPage["blocks"][number], number: number): string {
  const id = `${page.number}_${number}`;
  let html = `   <div class="ocr_carea" id="block_${id}" title="${bbox(page, box)}">\n`;
  html += `    <p class="ocr_par" id="par_${id}" title="${bbox(page, box)}">\n`;
  for (const [i, line] of lines.entries()) {
    const words = wordsOf(line).map(
      (word, k) =>
        `<span class="ocrx_word" id="word_${id}_${i + 1}_${k + 1}" ` +
        `title="${bbox(page, word.box)}; x_wconf ${Math.round(word.confidence)}">${escapeXml(word.text)}</span>`,
    );
    html += `     <span class="ocr_line" id="line_${id}_${i + 1}" title="${bbox(page, line.box)}">${words.join(" ")}</span>\n`;
  }
  return `${html}    </p>\n   </div>\n`;
}

function bbox(page: PlacedPage, box: Box): string {
  const { left, top, width, height } = page.place(box);
  return `bbox ${left} ${top} ${left + width} ${top + height}`;
}
