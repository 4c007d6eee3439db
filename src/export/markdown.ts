import type { Line } from "../contract/page.ts";
import { groupLines } from "../textract/text-groups.ts";
import type { ExportInput } from "./export-input.ts";

/** Line heights, relative to the page's middle one, from which on a short paragraph is a heading of that level. */
const headings: readonly [number, string][] = [
  [1.9, "# "],
  [1.5, "## "],
  [1.25, "### "],
];
const headingLines = 2;
/** Boxes are as high as their ink: capitals lack what hangs below the line, and look smaller than they are. */
const capitalsHeight = 1.3;
/** A line that ends before this share of its paragraph's width was broken on purpose, as in an address. */
const fullLine = 0.8;

/** A document as Markdown: what stands together is a paragraph, what is printed larger a heading; pages are marked. */
export async function* toMarkdown({ document, pages }: ExportInput): AsyncGenerator<string> {
  let before = "";
  for await (const page of pages()) {
    const mark = `<!-- ${document.fileName.replace(/--+|[<>\r\n]/g, "-")}, page ${page.number} -->`;
    const text = page.correction === null ? paragraphs(page.lines) : writtenParagraphs(page.text);
    yield `${before}${[mark, ...text].join("\n\n")}\n`;
    before = "\n";
  }
}

/** Of a text that a person wrote: empty lines part them, and every other line break was meant. */
function writtenParagraphs(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const lines = paragraph.split("\n").flatMap((line) => line.trim() || []);
    return lines.length === 0 ? [] : [lines.map(escapeMarkdown).join("  \n")];
  });
}

function paragraphs(lines: readonly Line[]): string[] {
  const body = middle(lines.map(({ box }) => box.height));
  return groupLines(lines).map((group) => {
    const own = group.lines.flatMap((at) => lines[at] ?? []);
    const level = own.length <= headingLines ? headingLevel(own, body) : undefined;
    if (level !== undefined) return level + escapeMarkdown(own.map(({ text }) => text).join(" "));
    let paragraph = "";
    for (const [i, { text, box }] of own.entries()) {
      const broken = box.left + box.width - group.box.left < fullLine * group.box.width;
      const end = i === own.length - 1 ? "" : broken || startsItem(own[i + 1]?.text ?? "") ? "  \n" : "\n";
      paragraph += escapeMarkdown(text) + end;
    }
    return paragraph;
  });
}

/** Short paragraphs that are printed larger, or in capitals only, are headings. */
function headingLevel(lines: readonly Line[], body: number): string | undefined {
  const text = lines.map((line) => line.text).join(" ");
  const capitals = (text.match(/\p{Lu}/gu) ?? []).length >= 4 && !/\p{Ll}/u.test(text);
  const height = (middle(lines.map(({ box }) => box.height)) / body) * (capitals ? capitalsHeight : 1);
  return headings.find(([least]) => height >= least)?.[1] ?? (capitals ? headings.at(-1)?.[1] : undefined);
}

/** `(a)`, `12.`, a bullet or a dash: an item of a list, whatever the line before it looks like. */
function startsItem(text: string): boolean {
  return /^(\(?[a-z0-9]{1,4}[.)]|[•▪◦‣*–-])\s/i.test(text);
}

/** Text that means itself in CommonMark. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]<>|~]/g, "\\$&")
    .replace(/&(?=#?\w+;)/g, "\\&")
    .replace(/^(\s*)([#+=-])/, "$1\\$2")
    .replace(/^(\s*\d{1,9})([.)])/, "$1\\$2");
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] || 1;
}
