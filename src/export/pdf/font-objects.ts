import { dictionaryOf, PdfName, PdfNumber, type PdfReference, PdfString } from "../../media/pdf-file/values.ts";
import { type CharacterCodes, characterWidth, codesToGlyphs, glyphlessFont } from "./glyphless-font.ts";
import type { IncrementalUpdate } from "./incremental-update.ts";

const baseFont = new PdfName("DocketGlyphless");

/** Writes the invisible font (ISO 32000-1, 9.7): a composite font of two-byte codes with its meaning beside it. */
export function writeFont(update: IncrementalUpdate, font: PdfReference, codes: CharacterCodes): void {
  const number = (value: number) => new PdfNumber(value);
  const [descendant, descriptor] = [update.reserve(), update.reserve()];
  const [program, glyphs, meaning] = [update.reserve(), update.reserve(), update.reserve()];
  const composite = dictionaryOf({
    Type: new PdfName("Font"),
    Subtype: new PdfName("Type0"),
    BaseFont: baseFont,
    Encoding: new PdfName("Identity-H"),
    DescendantFonts: [descendant],
    ToUnicode: meaning,
  });
  const system = dictionaryOf({
    Registry: new PdfString("(Adobe)"),
    Ordering: new PdfString("(Identity)"),
    Supplement: number(0),
  });
  const characters = dictionaryOf({
    Type: new PdfName("Font"),
    Subtype: new PdfName("CIDFontType2"),
    BaseFont: baseFont,
    CIDSystemInfo: system,
    FontDescriptor: descriptor,
    DW: number(1000 * characterWidth),
    CIDToGIDMap: glyphs,
  });
  const metrics = dictionaryOf({
    Type: new PdfName("FontDescriptor"),
    FontName: baseFont,
    // Fixed width, symbolic.
    Flags: number(5),
    FontBBox: [0, 0, 1000 * characterWidth, 1000].map(number),
    ItalicAngle: number(0),
    Ascent: number(1000),
    // Not quite zero, which readers take for unknown.
    Descent: number(-1),
    CapHeight: number(1000),
    StemV: number(80),
    FontFile2: program,
  });
  update.write(font, composite);
  update.write(descendant, characters);
  update.write(descriptor, metrics);
  const fontFile = glyphlessFont();
  update.writeStream(program, fontFile, { entries: dictionaryOf({ Length1: number(fontFile.length) }) });
  update.writeStream(glyphs, codesToGlyphs(), { compressed: true });
  update.writeStream(meaning, codes.toUnicode());
}
