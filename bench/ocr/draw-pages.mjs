// Draws the pages of scans on their own pixels, as PGM files: node draw-pages.mjs PDF FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDocument } from "../../dist/media/pdfium.js";

const [file, folder] = process.argv.slice(2);
const bytes = readFileSync(file);
const document = await openDocument({
  size: bytes.length,
  read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
});
for (let page = 1; page <= document.pageCount; page++) {
  const { width, height, grey } = document.withPage(page, (handle) => {
    const [image] = document.images(handle);
    const { width, height } = image;
    return { width, height, grey: document.renderGrey(handle, width, height) };
  });
  const header = Buffer.from(`P5\n${width} ${height}\n255\n`, "latin1");
  writeFileSync(join(folder, `${page}.pgm`), Buffer.concat([header, grey]));
}
document.close();
