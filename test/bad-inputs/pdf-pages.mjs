import { deflateSync } from "node:zlib";
import { deflateMegabytes } from "./bombs.mjs";
import { both, entry, outcomes } from "./entry.mjs";
import { encryption } from "./pdf-encryption.mjs";
import { onePage, stream, words, writePdf } from "./pdf-writer.mjs";

// PDFs that open, with pages that are hostile: sizes, content, fonts, forms, passwords.

const sized = (box) => () => writePdf(onePage({}, { box }));
const withContent =
  (content, further = {}, options = {}) =>
  () =>
    writePdf(onePage({ 4: stream("", content), ...further }, options));
const protectedBy = (scheme, passwords) => () => {
  const { trailer, encrypt } = encryption(scheme, passwords);
  return writePdf(onePage(), { trailer, encrypt });
};

/** Form objects of which each draws the next one ten times: ten to the power of `levels` drawings. */
function lavishForms(levels) {
  const objects = { 4: stream("", "/F Do") };
  for (let level = 0; level < levels; level++) {
    const next = level + 1 < levels ? `/Resources<</XObject<</F ${level + 11} 0 R>>>>` : "";
    const content = level + 1 < levels ? "/F Do ".repeat(10) : "0 0 5 5 re f";
    objects[level + 10] = stream(`/Type/XObject/Subtype/Form/BBox[0 0 612 792]${next}`, content);
  }
  return writePdf(onePage(objects, { resources: "/XObject<</F 10 0 R>>" }));
}

/** Deflated twice: 1 GB is some 10 KB. */
function doubleDeflated(megabytes) {
  return stream("/Filter[/FlateDecode/FlateDecode]", deflateSync(deflateMegabytes(megabytes, 32), { level: 9 }));
}

const form = "/Type/XObject/Subtype/Form/BBox[0 0 612 792]";
const xfa = (further) =>
  writePdf(
    onePage({
      1: `<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA 6 0 R>>${further}>>`,
      6: stream("", '<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template/></xdp:xdp>'),
    }),
  );
const font =
  (entries, further = {}) =>
  () =>
    writePdf(onePage({ 5: `<</Type/Font${entries}>>`, ...further }));

const pageSizes = [
  entry("page-of-200-inches.pdf", outcomes.pageTooLarge, sized("/MediaBox[0 0 14400 14400]")),
  entry("page-of-200-inches-with-a-drawing.pdf", outcomes.pageTooLarge, () =>
    writePdf(onePage({ 4: stream("", "9000 9000 200 200 re f") }, { box: "/MediaBox[0 0 14400 14400]" })),
  ),
  entry(
    "page-of-a-light-year.pdf",
    both("PageTooLarge", "complete", "Corrupt", "PagesFailed"),
    sized(`/MediaBox[0 0 ${"9".repeat(38)} 9${"0".repeat(300)}]`),
  ),
  entry("page-a-million-times-longer-than-wide.pdf", outcomes.pageTooLarge, sized("/MediaBox[0 0 1 1000000]")),
  entry("page-without-a-size.pdf", outcomes.complete, sized("")),
  entry("page-of-no-area.pdf", outcomes.mendable, sized("/MediaBox[0 0 0 0]")),
  entry("page-of-negative-size.pdf", outcomes.complete, sized("/MediaBox[612 792 0 0]")),
  entry("page-size-is-not-a-number.pdf", outcomes.mendable, sized("/MediaBox[NaN Infinity -Infinity (x)]")),
  entry("page-size-leads-to-itself.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 6: "6 0 R" }, { box: "/MediaBox 6 0 R" })),
  ),
  entry("page-turned-by-45-degrees.pdf", outcomes.complete, () => writePdf(onePage({}, { page: "/Rotate 45" }))),
  entry("page-of-75000-units.pdf", outcomes.mendable, () => writePdf(onePage({}, { page: "/UserUnit 75000" }))),
  entry("page-crop-box-outside.pdf", outcomes.mendable, () =>
    writePdf(onePage({}, { page: "/CropBox[9000 9000 9001 9001]" })),
  ),
];

const content = [
  entry("content-deflated-twice-1-gb.pdf", outcomes.bounded, () => writePdf(onePage({ 4: doubleDeflated(1000) }))),
  entry("content-of-100-filters.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 4: stream(`/Filter[${"/ASCIIHexDecode".repeat(100)}]`, "00") })),
  ),
  entry("content-of-an-unknown-filter.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 4: stream("/Filter/NoSuchDecode", "00") })),
  ),
  entry("content-is-noise-in-lzw.pdf", outcomes.mendable, () =>
    writePdf(onePage({ 4: stream("/Filter/LZWDecode", Buffer.alloc(50_000, 0x5a)) })),
  ),
  entry("content-missing.pdf", outcomes.complete, () => writePdf(onePage({ 4: "null" }))),
  entry("content-of-thirty-thousand-lines.pdf", outcomes.bounded, withContent("0 0 m 9 9 l S\n".repeat(30_000))),
  entry(
    "content-saves-its-state-a-million-times.pdf",
    outcomes.bounded,
    withContent(`${"q ".repeat(1_000_000)}${words}`),
  ),
  entry(
    "content-of-enormous-numbers.pdf",
    outcomes.mendable,
    withContent(`${"9".repeat(5000)} 0 0 1e400 -1e400 0 cm ${words}`),
  ),
  entry(
    "form-draws-itself.pdf",
    outcomes.bounded,
    withContent(
      "/F Do",
      { 6: stream(`${form}/Resources<</XObject<</F 6 0 R>>>>`, "/F Do") },
      { resources: "/XObject<</F 6 0 R>>" },
    ),
  ),
  entry("forms-draw-each-other-10-billion-times.pdf", outcomes.bounded, () => lavishForms(11)),
  entry(
    "pattern-paints-itself.pdf",
    outcomes.bounded,
    withContent(
      "/Pattern cs /P scn 0 0 612 792 re f",
      {
        6: stream(
          "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.001/YStep 0.001/Resources<</Pattern<</P 6 0 R>>>>",
          "/Pattern cs /P scn 0 0 1 1 re f",
        ),
      },
      { resources: "/Pattern<</P 6 0 R>>" },
    ),
    // Ends by the limit of time only: a minute for each of two tries.
    { stack: false },
  ),
  entry(
    "inline-image-of-60000-squared.pdf",
    outcomes.bounded,
    withContent("BI /W 60000 /H 60000 /BPC 8 /CS /RGB ID x EI"),
  ),
  entry("a-hundred-thousand-notes.pdf", outcomes.bounded, () =>
    writePdf(
      onePage(
        { 6: "<</Type/Annot/Subtype/Square/Rect[0 0 9 9]/F 4>>" },
        { page: `/Annots[${"6 0 R ".repeat(100_000)}]` },
      ),
    ),
  ),
];

const fonts = [
  entry("font-missing.pdf", outcomes.complete, () => writePdf(onePage({ 5: "null" }))),
  entry(
    "font-file-is-garbage.pdf",
    outcomes.complete,
    font("/Subtype/TrueType/BaseFont/Nowhere/FirstChar 32/LastChar 126/Widths 99 0 R/FontDescriptor 6 0 R", {
      6: "<</Type/FontDescriptor/FontName/Nowhere/Flags 4/FontFile2 7 0 R>>",
      7: stream("", Buffer.alloc(4000, 0xa5)),
    }),
  ),
  entry("font-of-an-unknown-kind.pdf", outcomes.complete, font("/Subtype/NoSuchType/BaseFont/Nowhere")),
  entry(
    "font-draws-itself.pdf",
    outcomes.mendable,
    font(
      "/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 32/LastChar 126/Encoding<</Differences[32/a]>>/CharProcs<</a 6 0 R>>/Resources<</Font<</F1 5 0 R>>>>",
      { 6: stream("", "1 0 d0 BT /F1 1 Tf ( ) Tj ET") },
    ),
  ),
  entry(
    "font-map-of-a-billion-characters.pdf",
    outcomes.mendable,
    font("/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R", {
      6: stream(
        "",
        "1 begincodespacerange <00> <ffffffff> endcodespacerange 1 beginbfrange <00000000> <ffffffff> <0000> endbfrange",
      ),
    }),
  ),
];

const forms = [
  entry("xfa-form.pdf", { textract: ["XfaForm"], local: ["complete", "XfaForm"] }, () => xfa("")),
  entry("xfa-form-without-pages.pdf", both("XfaForm"), () => xfa("/NeedsRendering true")),
  entry("form-fields-in-a-circle.pdf", outcomes.complete, () =>
    writePdf(
      onePage({
        1: "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>",
        6: "<</FT/Tx/T(a)/Kids[6 0 R]/Parent 6 0 R>>",
      }),
    ),
  ),
  entry("script-at-opening.pdf", outcomes.complete, () =>
    writePdf(onePage({ 1: "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(while\\(true\\){})>>>>" })),
  ),
];

const passwords = ["rc4-40", "rc4-128", "aes-128", "aes-256"].flatMap((scheme) => [
  entry(`password-to-open-${scheme}.pdf`, outcomes.encrypted, protectedBy(scheme, { user: "secret" })),
  entry(`password-of-the-owner-${scheme}.pdf`, outcomes.ownerOnly, protectedBy(scheme, { user: "" })),
]);

export const pdfPages = [
  ...pageSizes,
  ...content,
  ...fonts,
  ...forms,
  ...passwords,
  entry("encrypted-by-an-unknown-handler.pdf", outcomes.encrypted, () =>
    writePdf(onePage(), { trailer: "/Encrypt<</Filter/NoSuchHandler/V 9/R 9>>" }),
  ),
  entry("encryption-is-garbage.pdf", both("Encrypted", "Corrupt"), () =>
    writePdf(onePage(), { trailer: "/Encrypt<</Filter/Standard/V 5/R 6/O(x)/U 3/P (y)>>" }),
  ),
];
