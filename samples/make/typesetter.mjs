// @ts-check
import { PDFDocument, rgb, StandardFonts, setWordSpacing } from "pdf-lib";

/** @import { PDFFont, PDFPage, RGB } from "pdf-lib" */

/**
 * @typedef {object} Layout
 * @property {[number, number]} size page width and height in points
 * @property {{ top: number, right: number, bottom: number, left: number }} margins points
 * @property {"times" | "helvetica" | "courier"} family one of the 14 standard fonts
 * @property {number} fontSize points
 * @property {number} [leading] distance of two baselines, as a multiple of the font size
 * @property {number} [columns] default 1
 * @property {"left" | "justify"} [align] of paragraphs
 * @property {(page: number, pages: number) => Cell[]} [header]
 * @property {(page: number, pages: number) => Cell[]} [footer]
 *
 * @typedef {{ text: string, align?: "left" | "center" | "right" }} Cell
 * @typedef {{ style?: "regular" | "bold" | "italic", size?: number, align?: "left" | "justify" | "center" | "right",
 *   indent?: number, firstIndent?: number, after?: number, color?: RGB, keep?: number }} TextStyle
 * @typedef {{ page: PDFPage, header: string[], body: string[], footer: string[] }} SetPage
 */

const families = {
  times: [StandardFonts.TimesRoman, StandardFonts.TimesRomanBold, StandardFonts.TimesRomanItalic],
  helvetica: [StandardFonts.Helvetica, StandardFonts.HelveticaBold, StandardFonts.HelveticaOblique],
  courier: [StandardFonts.Courier, StandardFonts.CourierBold, StandardFonts.CourierOblique],
};

export const letter = /** @type {[number, number]} */ ([612, 792]);
export const halfLetter = /** @type {[number, number]} */ ([396, 612]);

/**
 * Sets text on PDF pages and writes down every printed line on the way: the ground truth.
 * Text flows down a column, then into the next column, then onto the next page.
 */
export class Typesetter {
  /** @type {SetPage[]} */
  pages = [];
  column = 0;
  y = 0;

  /**
   * @param {PDFDocument} pdf
   * @param {Layout} layout
   * @param {{ regular: PDFFont, bold: PDFFont, italic: PDFFont }} fonts
   */
  constructor(pdf, layout, fonts) {
    this.pdf = pdf;
    this.layout = layout;
    this.fonts = fonts;
    this.#addPage();
  }

  /** @param {Layout} layout */
  static async create(layout) {
    // Creation date and producer would differ from run to run.
    const pdf = await PDFDocument.create({ updateMetadata: false });
    const [regular, bold, italic] = families[layout.family].map((name) => pdf.embedStandardFont(name));
    return new Typesetter(pdf, layout, /** @type {any} */ ({ regular, bold, italic }));
  }

  get #gutter() {
    return 24;
  }
  get #columnWidth() {
    const { size, margins, columns = 1 } = this.layout;
    return (size[0] - margins.left - margins.right - this.#gutter * (columns - 1)) / columns;
  }
  get #left() {
    return this.layout.margins.left + this.column * (this.#columnWidth + this.#gutter);
  }
  get current() {
    return /** @type {SetPage} */ (this.pages[this.pages.length - 1]);
  }

  #addPage() {
    this.pages.push({ page: this.pdf.addPage(this.layout.size), header: [], body: [], footer: [] });
    this.column = 0;
    this.columnTop = this.layout.size[1] - this.layout.margins.top;
    this.y = this.columnTop;
  }

  /** Ends the page here. */
  pageBreak() {
    this.#addPage();
  }

  /**
   * Leaves room, or goes on to the next column or page where `needed` points do not fit.
   * @param {number} needed
   */
  #reserve(needed) {
    if (this.y - needed >= this.layout.margins.bottom) return;
    if (this.column + 1 < (this.layout.columns ?? 1)) {
      this.column++;
      this.y = /** @type {number} */ (this.columnTop);
    } else {
      this.#addPage();
    }
  }

  /** @param {number} points */
  gap(points) {
    this.y -= points;
  }

  /** A rule across the column. @param {{ width?: number }} [options] */
  rule(options = {}) {
    const width = options.width ?? this.#columnWidth;
    const y = this.y - 4;
    this.current.page.drawLine({ start: { x: this.#left, y }, end: { x: this.#left + width, y }, thickness: 0.7 });
    this.y -= 12;
  }

  /**
   * @param {string} text
   * @param {TextStyle} [style]
   */
  paragraph(text, style = {}) {
    const size = style.size ?? this.layout.fontSize;
    const font = this.fonts[style.style ?? "regular"];
    const indent = style.indent ?? 0;
    const first = style.firstIndent ?? 0;
    const align = style.align ?? this.layout.align ?? "left";
    const width = this.#columnWidth - indent;
    const lines = breakLines(text, font, size, width, first);
    if (style.keep) this.#reserve(style.keep);
    lines.forEach((line, i) => {
      const offset = indent + (i === 0 ? first : 0);
      const room = this.#columnWidth - offset;
      const natural = font.widthOfTextAtSize(line, size);
      const spaces = line.split(" ").length - 1;
      const stretch = align === "justify" && i < lines.length - 1 && spaces > 0 ? (room - natural) / spaces : 0;
      const shift = align === "center" ? (room - natural) / 2 : align === "right" ? room - natural : 0;
      this.#line([{ x: offset + shift, text: line, stretch }], font, size, style.color);
    });
    this.gap(style.after ?? size * 0.6);
  }

  /**
   * A numbered paragraph with a hanging label.
   * @param {string} label
   * @param {string} text
   * @param {TextStyle & { hang?: number }} [style]
   */
  clause(label, text, style = {}) {
    const size = style.size ?? this.layout.fontSize;
    const hang = style.hang ?? 30;
    const indent = style.indent ?? 0;
    const font = this.fonts[style.style ?? "regular"];
    const lines = breakLines(text, font, size, this.#columnWidth - indent - hang, 0);
    lines.forEach((line, i) => {
      const natural = font.widthOfTextAtSize(line, size);
      const spaces = line.split(" ").length - 1;
      const room = this.#columnWidth - indent - hang;
      const justify = (style.align ?? this.layout.align) === "justify" && i < lines.length - 1 && spaces > 0;
      const run = { x: indent + hang, text: line, stretch: justify ? (room - natural) / spaces : 0 };
      this.#line(i === 0 ? [{ x: indent, text: label }, run] : [run], font, size, style.color);
    });
    this.gap(style.after ?? size * 0.6);
  }

  /**
   * One row of a table: cells at the given left edges (points from the column's left; a negative one aligns the
   * cell's end at that distance).
   * @param {string[]} cells
   * @param {number[]} edges
   * @param {TextStyle} [style]
   */
  row(cells, edges, style = {}) {
    const size = style.size ?? this.layout.fontSize;
    const font = this.fonts[style.style ?? "regular"];
    const runs = cells.map((text, i) => {
      const edge = edges[i] ?? 0;
      return { text, x: edge >= 0 ? edge : -edge - font.widthOfTextAtSize(text, size) };
    });
    this.#line(
      runs.filter((run) => run.text !== ""),
      font,
      size,
      style.color,
    );
    this.gap(style.after ?? 0);
  }

  /**
   * @param {{ x: number, text: string, stretch?: number }[]} runs
   * @param {PDFFont} font
   * @param {number} size
   * @param {RGB} [color]
   */
  #line(runs, font, size, color) {
    const height = size * (this.layout.leading ?? 1.25);
    this.#reserve(height);
    const y = this.y - size;
    for (const run of runs) {
      this.current.page.pushOperators(setWordSpacing(run.stretch ?? 0));
      this.current.page.drawText(run.text, { x: this.#left + run.x, y, font, size, color: color ?? rgb(0, 0, 0) });
    }
    this.y -= height;
    this.current.body.push(runs.map((run) => run.text).join(" "));
  }

  /** Prints headers and footers, which need the number of pages. @returns {string[]} the ground truth of each page */
  finish() {
    const { size, margins, header, footer } = this.layout;
    const small = 9;
    this.pages.forEach((set, index) => {
      /** @param {Cell[] | undefined} cells @param {number} y @param {string[]} truth */
      const print = (cells, y, truth) => {
        if (!cells || cells.length === 0) return;
        for (const cell of cells) {
          const width = this.fonts.regular.widthOfTextAtSize(cell.text, small);
          const inner = size[0] - margins.left - margins.right - width;
          const shift = cell.align === "right" ? inner : cell.align === "center" ? inner / 2 : 0;
          set.page.pushOperators(setWordSpacing(0));
          set.page.drawText(cell.text, { x: margins.left + shift, y, font: this.fonts.regular, size: small });
        }
        truth.push(cells.map((cell) => cell.text).join(" "));
      };
      print(header?.(index + 1, this.pages.length), size[1] - Math.max(30, margins.top / 2), set.header);
      print(footer?.(index + 1, this.pages.length), Math.max(26, margins.bottom / 2), set.footer);
    });
    return this.pages.map((set) => [...set.header, ...set.body, ...set.footer].join("\n"));
  }

  /** @returns {Promise<Uint8Array>} the PDF, the same bytes on every run */
  save() {
    return this.pdf.save({ useObjectStreams: false });
  }
}

/**
 * @param {string} text
 * @param {PDFFont} font
 * @param {number} size
 * @param {number} width
 * @param {number} firstIndent
 */
function breakLines(text, font, size, width, firstIndent) {
  /** @type {string[]} */
  const lines = [];
  let line = "";
  for (const word of text.trim().split(/\s+/)) {
    const longer = line === "" ? word : `${line} ${word}`;
    const room = width - (lines.length === 0 ? firstIndent : 0);
    if (line !== "" && font.widthOfTextAtSize(longer, size) > room) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
