import { deflateMegabytes } from "./bombs.mjs";
import { both, entry, outcomes } from "./entry.mjs";
import { onePage, stream, writePdf } from "./pdf-writer.mjs";

// PDFs whose skeleton lies or runs in circles: cross-references, page trees, object streams.

const page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>";

/** A tree of one branch, so many nodes deep, with one page at its end. */
function deepTree(depth) {
  const objects = { 1: "<</Type/Catalog/Pages 2 0 R>>" };
  for (let node = 2; node < depth + 2; node++) {
    const parent = node > 2 ? `/Parent ${node - 1} 0 R` : "";
    objects[node] = `<</Type/Pages/Count 1${parent}/Kids[${node + 1} 0 R]>>`;
  }
  objects[depth + 2] = `<</Type/Page/Parent ${depth + 1} 0 R/MediaBox[0 0 612 792]>>`;
  return writePdf(objects);
}

function manyPages(count) {
  const objects = { 1: "<</Type/Catalog/Pages 2 0 R>>" };
  const kids = Array.from({ length: count }, (_, i) => `${i + 3} 0 R`).join(" ");
  objects[2] = `<</Type/Pages/Count ${count}/Kids[${kids}]>>`;
  for (let i = 0; i < count; i++) objects[i + 3] = page;
  return writePdf(objects);
}

/** A tree whose nodes all lead to the same two children: 2 to the power of `depth` pages from a few objects. */
function doublingTree(depth) {
  const objects = { 1: "<</Type/Catalog/Pages 2 0 R>>" };
  for (let node = 2; node < depth + 2; node++) {
    const next = `${node + 1} 0 R`;
    objects[node] = `<</Type/Pages/Count ${2 ** (depth + 2 - node)}/Kids[${next} ${next}]>>`;
  }
  objects[depth + 2] = page;
  return writePdf(objects);
}

/** A document whose cross-reference is a stream with these entries, and nothing else. */
function xrefStream(dict, rows) {
  const objects = { 1: "<</Type/Catalog/Pages 2 0 R>>", 2: "<</Type/Pages/Count 1/Kids[3 0 R]>>", 3: page };
  const body = writePdf(objects, { xref: false });
  const start = body.indexOf("trailer");
  const table = stream(`/Type/XRef/Root 1 0 R/Size 5${dict(start)}`, rows);
  const head = `4 0 obj\n<<${table.dict}/Length ${table.data.length}>>\nstream\n`;
  const tail = `\nendstream\nendobj\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.concat([body.subarray(0, start), Buffer.from(head), table.data, Buffer.from(tail)]);
}

/** Revisions appended one after the other, each with its own cross-reference section. */
function revisions(count) {
  let bytes = writePdf(onePage());
  let previous = bytes.lastIndexOf("xref\n0 ");
  for (let i = 0; i < count; i++) {
    const start = bytes.length;
    const text = `xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 6/Root 1 0 R/Prev ${previous}>>\nstartxref\n${start}\n%%EOF\n`;
    bytes = Buffer.concat([bytes, Buffer.from(text)]);
    previous = start;
  }
  return bytes;
}

/** A `/Prev` that leads to the section it stands in, or to one that leads back. */
function circularPrev(self) {
  const bytes = revisions(2).toString("latin1");
  const sections = [...bytes.matchAll(/^xref$/gm)].map((match) => match.index);
  const to = String(sections[2]);
  const at = bytes.lastIndexOf("/Prev ", self ? bytes.length : sections[2]);
  const end = bytes.indexOf(">>", at);
  // The same number of digits keeps every offset right.
  return Buffer.from(`${bytes.slice(0, at)}/Prev ${to.padStart(end - at - 6, "0")}${bytes.slice(end)}`, "latin1");
}

const objectStream = (number, dict, text) =>
  stream(`/Type/ObjStm/N 1/First ${`${number} 0 `.length}${dict}`, `${number} 0 ${text}`);

export const pdfStructure = [
  entry("no-xref.pdf", outcomes.complete, () => writePdf(onePage(), { xref: false })),
  entry("startxref-past-the-end.pdf", outcomes.complete, () => writePdf(onePage(), { startxref: () => "999999999" })),
  entry("startxref-negative.pdf", outcomes.complete, () => writePdf(onePage(), { startxref: () => "-1" })),
  entry("startxref-beyond-all-numbers.pdf", outcomes.complete, () =>
    writePdf(onePage(), { startxref: () => "9".repeat(400) }),
  ),
  entry("xref-prev-leads-to-itself.pdf", outcomes.mendable, () => circularPrev(true)),
  entry("xref-prev-of-two-in-a-circle.pdf", outcomes.mendable, () => circularPrev(false)),
  entry("xref-of-500-revisions.pdf", outcomes.mendable, () => revisions(500)),
  entry("xref-claims-4-billion-objects.pdf", outcomes.mendable, () =>
    Buffer.from(writePdf(onePage()).toString("latin1").replace("xref\n0 6", "xref\n0 4294967295"), "latin1"),
  ),
  entry("xref-stream-of-enormous-fields.pdf", outcomes.mendable, () =>
    xrefStream(() => "/W[2147483647 2147483647 2147483647]/Index[0 4294967295]", Buffer.from([1, 0, 9, 0])),
  ),
  entry("xref-stream-prev-leads-to-itself.pdf", outcomes.mendable, () =>
    xrefStream((start) => `/W[1 2 1]/Prev ${start}`, Buffer.from([0, 0, 0, 0])),
  ),
  entry("object-stream-in-itself.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 2: "<</Type/Pages/Count 1/Kids[3 0 R]>>", 6: objectStream(6, "/Extends 6 0 R", "6 0 R") })),
  ),
  entry("object-stream-claims-a-billion-objects.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 6: stream("/Type/ObjStm/N 1000000000/First 2147483647", "1 0 2 0") })),
  ),
  entry("object-numbers-of-32-bits.pdf", outcomes.mendable, () =>
    Buffer.from(writePdf(onePage()).toString("latin1").replace("5 0 obj", "4294967295 0 obj"), "latin1"),
  ),

  entry("page-tree-without-root.pdf", outcomes.corrupt, () => writePdf({ 1: "<</Type/Catalog>>" })),
  entry("catalogue-is-a-number.pdf", outcomes.corrupt, () => writePdf({ 1: "42" })),
  entry("page-tree-leads-to-itself.pdf", outcomes.corrupt, () =>
    writePdf({ 1: "<</Type/Catalog/Pages 2 0 R>>", 2: "<</Type/Pages/Count 1/Kids[2 0 R]>>" }),
  ),
  entry("page-tree-in-a-circle.pdf", outcomes.corrupt, () =>
    writePdf({
      1: "<</Type/Catalog/Pages 2 0 R>>",
      2: "<</Type/Pages/Count 3/Kids[3 0 R 3 0 R]>>",
      3: "<</Type/Pages/Parent 2 0 R/Count 3/Kids[2 0 R 3 0 R]>>",
    }),
  ),
  entry("page-tree-of-200-levels.pdf", outcomes.mendable, () => deepTree(200)),
  entry("page-tree-of-20000-levels.pdf", outcomes.corrupt, () => deepTree(20_000)),
  entry("page-tree-doubling-24-times.pdf", outcomes.tooManyPagesOrCorrupt, () => doublingTree(24)),
  entry("page-tree-without-kids.pdf", outcomes.corrupt, () =>
    writePdf(onePage({ 2: "<</Type/Pages/Count 1/Kids[]>>" })),
  ),
  entry("page-tree-of-nulls.pdf", outcomes.corrupt, () =>
    writePdf(onePage({ 2: "<</Type/Pages/Count 3/Kids[null 99 0 R (text)]>>" })),
  ),
  entry("page-count-of-a-billion.pdf", both("complete", "TooManyPages", "LocalLimitExceeded", "Corrupt"), () =>
    writePdf(onePage({ 2: "<</Type/Pages/Count 1000000000/Kids[3 0 R]>>" })),
  ),
  entry("page-count-too-high-by-one.pdf", { textract: ["Corrupt"], local: ["Corrupt"] }, () =>
    writePdf(onePage({ 2: "<</Type/Pages/Count 2/Kids[3 0 R]>>" })),
  ),
  entry("page-count-negative.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 2: "<</Type/Pages/Count -1/Kids[3 0 R]>>" })),
  ),
  entry("page-count-missing.pdf", outcomes.mendable, () => writePdf(onePage({ 2: "<</Type/Pages/Kids[3 0 R]>>" }))),
  entry("3001-pages.pdf", outcomes.tooManyPages, () => manyPages(3001)),
  entry("10000-pages.pdf", outcomes.tooManyPages, () => manyPages(10_000)),
  entry("same-page-a-million-times.pdf", outcomes.tooManyPages, () =>
    writePdf(onePage({ 2: `<</Type/Pages/Count 1000000/Kids[${"3 0 R ".repeat(1_000_000)}]>>` })),
  ),
  entry("arrays-nested-200000-deep.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 3: `<</Type/Page/Parent 2 0 R/MediaBox ${"[".repeat(200_000)}` })),
  ),
  entry("dictionaries-nested-200000-deep.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 1: `<</Type/Catalog/Pages 2 0 R/A${"<</A".repeat(200_000)}${">>".repeat(200_000)}>>` })),
  ),
  entry("stream-length-of-itself.pdf", outcomes.mendable, () => writePdf(onePage({ 4: stream("", "BT ET", "4 0 R") }))),
  entry("stream-length-negative.pdf", outcomes.mendable, () => writePdf(onePage({ 4: stream("", "BT ET", "-5") }))),
  entry("stream-length-of-4-gb.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 4: stream("", "BT ET", "4294967295") })),
  ),
  entry("references-in-a-circle.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 4: "6 0 R", 6: "7 0 R", 7: "6 0 R" }, { page: "/Rotate 6 0 R" })),
  ),
  entry("object-stream-bomb.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 6: stream("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", deflateMegabytes(200)) })),
  ),
];
