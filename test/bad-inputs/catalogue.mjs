import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { damaged } from "./damaged.mjs";
import { disguised } from "./disguised.mjs";
import { pdfPages } from "./pdf-pages.mjs";
import { pdfStructure } from "./pdf-structure.mjs";
import { pictures } from "./pictures.mjs";
import { picturesInPdf } from "./pictures-in-pdf.mjs";

/** Broken and hostile documents, and what may become of each: `complete`, or a type of failure. */
export const badInputs = [...damaged, ...disguised, ...pdfStructure, ...pdfPages, ...picturesInPdf, ...pictures];

/** Writes one into a folder; what is only zeros takes no room on the disk. Returns its path. */
export async function writeBadInput(input, folder) {
  const made = input.make();
  const { size, parts } = Buffer.isBuffer(made) ? { size: made.length, parts: [{ offset: 0, bytes: made }] } : made;
  await mkdir(folder, { recursive: true });
  const path = join(folder, input.name);
  const file = await open(path, "w");
  try {
    await file.truncate(size);
    for (const { offset, bytes } of parts) await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
  return path;
}
