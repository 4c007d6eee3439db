import { type CharacterCodes, characterWidth } from "./glyphless-font.ts";
import { isRightToLeft, type PlacedLine } from "./word-placement.ts";

/** From places on the page as displayed (points from the top left) to the page's own system. */
export interface PageSystem {
  origin: { x: number; y: number };
  /** Where one point to the right leads. */
  right: { x: number; y: number };
  /** Where one point down leads. */
  down: { x: number; y: number };
}

/** Text rendering mode 3: neither fill nor stroke (ISO 32000-1, 9.3.6). */
const invisible = 3;

/** Content that writes lines invisibly, each word stretched over its place. */
export function textContent(
  lines: readonly PlacedLine[],
  system: PageSystem,
  font: string,
  codes: CharacterCodes,
): string {
  let content = `q\nBT\n${invisible} Tr\n`;
  for (const { angle, words } of lines) {
    const along = turn(system, Math.cos(angle), Math.sin(angle));
    const up = turn(system, Math.sin(angle), -Math.cos(angle));
    for (const { text, x, y, width, height, space } of words) {
      const start = turn(system, x, y);
      const place = [start.x + system.origin.x, start.y + system.origin.y];
      const characters = Array.from(visualOrder(text.normalize("NFC").toWellFormed()));
      const natural = characterWidth * height;
      content += `/${font} ${number(height)} Tf\n`;
      content += `${[along.x, along.y, up.x, up.y, ...place].map(number).join(" ")} Tm\n`;
      content += `${number((100 * width) / (natural * characters.length))} Tz ${codes.encode(characters)} Tj\n`;
      if (space !== null) content += `${number((100 * space) / natural)} Tz ${codes.encode(" ")} Tj\n`;
    }
  }
  return `${content}ET\nQ\n`;
}

function turn({ right, down }: PageSystem, x: number, y: number): { x: number; y: number } {
  return { x: right.x * x + down.x * y, y: right.y * x + down.y * y };
}

/** A PDF shows characters from left to right; readers put right-to-left words back in their order. */
function visualOrder(text: string): string {
  return isRightToLeft(text) ? Array.from(text).reverse().join("") : text;
}

/** At most five places after the point, and never an exponent, which PDF does not know. */
function number(value: number): string {
  return String(Number(value.toFixed(5)));
}
