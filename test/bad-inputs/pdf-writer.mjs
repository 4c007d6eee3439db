// Writes PDFs object by object, exactly as they are given: a library would refuse to write most of what is needed here.

/** @typedef {string | Buffer | { dict: string, data: Buffer | string, length?: string }} PdfObject */

/** A stream object; its `/Length` is right unless `length` says otherwise. */
export function stream(dict, data, length) {
  return { dict, data: Buffer.from(data), length };
}

/** The bytes of one object, from its number to `endobj`. */
export function objectBytes(number, value, encrypt = (_number, data) => data) {
  const head = Buffer.from(`${number} 0 obj\n`, "latin1");
  const end = Buffer.from("\nendobj\n", "latin1");
  if (typeof value === "string") return Buffer.concat([head, Buffer.from(value, "latin1"), end]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head, value, end]);
  const data = encrypt(number, value.data);
  const dict = Buffer.from(`<<${value.dict}/Length ${value.length ?? data.length}>>\nstream\n`, "latin1");
  return Buffer.concat([head, dict, data, Buffer.from("\nendstream", "latin1"), end]);
}

/**
 * A PDF of these objects with a right cross-reference table, unless something else is asked for.
 * @param {Record<number, PdfObject>} objects by their number; the catalogue is 1
 * @param {{ trailer?: string, xref?: boolean, startxref?: (right: number) => string, header?: string, encrypt?: Function }} [options]
 */
export function writePdf(objects, options = {}) {
  const { trailer = "", xref = true, startxref = String, header = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" } = options;
  const parts = [Buffer.from(header, "latin1")];
  const offsets = new Map();
  let size = parts[0].length;
  for (const [key, value] of Object.entries(objects)) {
    const bytes = objectBytes(Number(key), value, options.encrypt);
    offsets.set(Number(key), size);
    parts.push(bytes);
    size += bytes.length;
  }
  const count = Math.max(...offsets.keys()) + 1;
  if (xref) {
    const rows = ["0000000000 65535 f \n"];
    for (let number = 1; number < count; number++) {
      const offset = offsets.get(number);
      rows.push(offset === undefined ? "0000000000 65535 f \n" : `${String(offset).padStart(10, "0")} 00000 n \n`);
    }
    parts.push(Buffer.from(`xref\n0 ${count}\n${rows.join("")}`, "latin1"));
  }
  const end = `trailer\n<</Size ${count}/Root 1 0 R${trailer}>>\nstartxref\n${startxref(size)}\n%%EOF\n`;
  parts.push(Buffer.from(end, "latin1"));
  return Buffer.concat(parts);
}

/** Enough words for a page whose text layer is believed. */
export const sentences = [
  "The harbour master closed the northern gate at noon because the tide",
  "had carried timber across the channel and nobody could pass it.",
  "Two pilots waited on the quay with lanterns and rope until the evening.",
];

/** A content stream that shows the sentences, with font `F1`. */
export const words = sentences.map((line, i) => `BT /F1 12 Tf 72 ${700 - i * 20} Td (${line}) Tj ET`).join("\n");

const font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";

/**
 * The objects of a sound document of one page with text: catalogue 1, page tree 2, page 3, content 4, font 5.
 * @param {Record<number, PdfObject>} [changes] laid over them
 * @param {{ page?: string, resources?: string, box?: string }} [options] further entries of page and resources
 */
export function onePage(changes = {}, { page = "", resources = "", box = "/MediaBox[0 0 612 792]" } = {}) {
  return {
    1: "<</Type/Catalog/Pages 2 0 R>>",
    2: "<</Type/Pages/Count 1/Kids[3 0 R]>>",
    3: `<</Type/Page/Parent 2 0 R${box}/Resources<</Font<</F1 5 0 R>>${resources}>>/Contents 4 0 R${page}>>`,
    4: stream("", words),
    5: font,
    ...changes,
  };
}

/** A page that is nothing but one image. */
export function imagePage(dict, data, further = {}) {
  const image = stream(`/Type/XObject/Subtype/Image${dict}`, data);
  const content = stream("", "612 0 0 792 0 0 cm /Im Do");
  return writePdf(onePage({ 4: content, 6: image, ...further }, { resources: "/XObject<</Im 6 0 R>>" }));
}
