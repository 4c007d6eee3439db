import { deflateSync } from "node:zlib";

/** Every character is half as wide as the font is high; words are stretched to their width anyway. */
export const characterWidth = 0.5;
/** The last code is kept for characters that find no code any more. */
const lastCode = 0xfffe;

/**
 * Codes for the characters of a document, given as they come: two bytes each, so that any script of Unicode has its
 * place, unlike in the 256 characters of a simple font.
 */
export class CharacterCodes {
  readonly #codes = new Map<string, number>();

  /** The codes of a text as a PDF string of hexadecimal digits. */
  encode(characters: Iterable<string>): string {
    let hex = "";
    for (const character of characters) hex += this.#code(character).toString(16).padStart(4, "0");
    return `<${hex}>`;
  }

  #code(character: string): number {
    let code = this.#codes.get(character);
    if (code === undefined) {
      if (this.#codes.size >= lastCode - 1) return lastCode;
      code = this.#codes.size + 1;
      this.#codes.set(character, code);
    }
    return code;
  }

  /** What the codes mean, for programs that copy and search (ISO 32000-1, 9.10.3). */
  toUnicode(): string {
    const rows = [...this.#codes].map(([character, code]) => `<${hex16(code)}> <${utf16(character)}>`);
    rows.push(`<${hex16(lastCode)}> <fffd>`);
    let map = "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n";
    map += "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n";
    map +=
      "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n";
    for (let i = 0; i < rows.length; i += 100) {
      const some = rows.slice(i, i + 100);
      map += `${some.length} beginbfchar\n${some.join("\n")}\nendbfchar\n`;
    }
    return `${map}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n`;
  }
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, "0");
}

function utf16(text: string): string {
  return Array.from({ length: text.length }, (_, i) => hex16(text.charCodeAt(i))).join("");
}

/** Every code leads to the one empty glyph. */
export function codesToGlyphs(): Buffer {
  const map = Buffer.alloc(2 * 65_536);
  for (let i = 1; i < map.length; i += 2) map[i] = 1;
  return deflateSync(map);
}

/** Points of the one glyph: up to the far corner of its box and back. */
const linePoints = 3;

/** A glyph without any area that is as large as its box: some readers take a character's height from its outline. */
function lineGlyph(width: number, height: number): Buffer {
  const glyph = Buffer.alloc(30);
  const fields = [1, 0, 0, width, height, linePoints - 1, 0];
  for (const [i, value] of fields.entries()) glyph.writeInt16BE(value, 2 * i);
  // Every point is on the curve; then the ways from point to point, across and up.
  glyph.fill(1, 14, 14 + linePoints);
  for (const [i, value] of [0, width, -width, 0, height, -height].entries()) glyph.writeInt16BE(value, 17 + 2 * i);
  return glyph;
}

/**
 * A TrueType font with nothing to draw (OpenType 1.9, the tables that ISO 32000-1, 9.9 asks for): the text is invisible,
 * and yet readers want a font's program. Heights are set so that a word's marked area is its box.
 */
export function glyphlessFont(): Buffer {
  const unitsPerEm = 1000;
  const head = Buffer.alloc(54);
  head.writeUInt32BE(0x0001_0000, 0);
  head.writeUInt32BE(0x0001_0000, 4);
  head.writeUInt32BE(0x5f0f_3cf5, 12);
  head.writeUInt16BE(unitsPerEm, 18);
  // The box of all glyphs: x from 0 to 500, y from 0 to 1000.
  head.writeInt16BE(unitsPerEm * characterWidth, 40);
  head.writeInt16BE(unitsPerEm, 42);
  head.writeUInt16BE(8, 46);
  head.writeInt16BE(2, 48);
  const hhea = Buffer.alloc(36);
  hhea.writeUInt32BE(0x0001_0000, 0);
  hhea.writeInt16BE(unitsPerEm, 4);
  hhea.writeUInt16BE(unitsPerEm * characterWidth, 10);
  hhea.writeUInt16BE(2, 34);
  const maxp = Buffer.alloc(32);
  maxp.writeUInt32BE(0x0001_0000, 0);
  maxp.writeUInt16BE(2, 4);
  maxp.writeUInt16BE(linePoints, 6);
  maxp.writeUInt16BE(1, 8);
  maxp.writeUInt16BE(2, 14);
  const hmtx = Buffer.alloc(8);
  hmtx.writeUInt16BE(unitsPerEm * characterWidth, 0);
  hmtx.writeUInt16BE(unitsPerEm * characterWidth, 4);
  const glyph = lineGlyph(unitsPerEm * characterWidth, unitsPerEm);
  // Places of the two glyphs, in units of two bytes: the first is empty.
  const loca = Buffer.alloc(6);
  loca.writeUInt16BE(glyph.length / 2, 4);
  const tables: [string, Buffer][] = [
    ["glyf", glyph],
    ["head", head],
    ["hhea", hhea],
    ["hmtx", hmtx],
    ["loca", loca],
    ["maxp", maxp],
  ];
  return fontFile(tables);
}

function fontFile(tables: readonly [string, Buffer][]): Buffer {
  const directory = Buffer.alloc(12 + 16 * tables.length);
  directory.writeUInt32BE(0x0001_0000, 0);
  directory.writeUInt16BE(tables.length, 4);
  const power = 2 ** Math.floor(Math.log2(tables.length));
  directory.writeUInt16BE(power * 16, 6);
  directory.writeUInt16BE(Math.log2(power), 8);
  directory.writeUInt16BE((tables.length - power) * 16, 10);
  let offset = directory.length;
  const bodies: Buffer[] = [];
  for (const [i, [tag, table]] of tables.entries()) {
    const padded = Buffer.concat([table, Buffer.alloc((4 - (table.length % 4)) % 4)]);
    const entry = 12 + 16 * i;
    directory.write(tag, entry, "latin1");
    directory.writeUInt32BE(checksum(padded), entry + 4);
    directory.writeUInt32BE(offset, entry + 8);
    directory.writeUInt32BE(table.length, entry + 12);
    bodies.push(padded);
    offset += padded.length;
  }
  const font = Buffer.concat([directory, ...bodies]);
  const head = directory.readUInt32BE(12 + 16 * tables.findIndex(([tag]) => tag === "head") + 8);
  font.writeUInt32BE((0xb1b0_afba - checksum(font)) >>> 0, head + 8);
  return font;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 3 < bytes.length; at += 4) sum = (sum + bytes.readUInt32BE(at)) >>> 0;
  return sum;
}
