import { heap, type PdfDocument } from "../media/pdfium.ts";
import type { PageRectangle } from "./page-to-display.ts";

/**
 * pdfium's functions as WebAssembly exports them. The package wraps each in JavaScript that looks the function up by
 * its name and copies the arguments: on four calls for every character that takes longer than what pdfium does.
 */
interface CharacterFunctions {
  FPDFText_GetUnicode(textPage: number, index: number): number;
  FPDFText_IsHyphen(textPage: number, index: number): number;
  FPDFText_HasUnicodeMapError(textPage: number, index: number): number;
  FPDFText_GetCharBox(
    textPage: number,
    index: number,
    left: number,
    right: number,
    bottom: number,
    top: number,
  ): number;
}

/** The characters of one loaded page. Memory of pdfium's: {@link close} gives it back. */
export class TextPage {
  /** Characters, those that pdfium itself puts in between words and lines included. */
  readonly count: number;
  readonly #document: PdfDocument;
  readonly #functions: CharacterFunctions;
  readonly #handle: number;
  /** Room for the four numbers of a box. */
  readonly #scratch: number;
  #numbers: Float64Array;

  constructor(document: PdfDocument, page: number) {
    const { pdfium } = document;
    this.#document = document;
    this.#functions = pdfium.pdfium.wasmExports as unknown as CharacterFunctions;
    this.#handle = pdfium.FPDFText_LoadPage(page);
    this.#scratch = pdfium.pdfium.wasmExports.malloc(32);
    this.#numbers = new Float64Array(heap(pdfium).buffer, this.#scratch, 4);
    this.count = pdfium.FPDFText_CountChars(this.#handle);
  }

  /** Its value in Unicode; 0: it has none. */
  code(index: number): number {
    return this.#functions.FPDFText_GetUnicode(this.#handle, index);
  }

  /** Whether it is the hyphen of a word that goes on in the next line. */
  isHyphen(index: number): boolean {
    return this.#functions.FPDFText_IsHyphen(this.#handle, index) === 1;
  }

  /** Whether the font's own tables contradict its value. */
  hasMapError(index: number): boolean {
    return this.#functions.FPDFText_HasUnicodeMapError(this.#handle, index) === 1;
  }

  /** Undefined: it takes no room on the page. */
  box(index: number): PageRectangle | undefined {
    const at = this.#scratch;
    if (!this.#functions.FPDFText_GetCharBox(this.#handle, index, at, at + 8, at + 16, at + 24)) return undefined;
    // A growth of pdfium's memory leaves views of it empty.
    if (this.#numbers.length === 0) this.#numbers = new Float64Array(heap(this.#document.pdfium).buffer, at, 4);
    const numbers = this.#numbers;
    const [left, right] = [numbers[0] as number, numbers[1] as number];
    const [bottom, top] = [numbers[2] as number, numbers[3] as number];
    return right > left || top > bottom ? { left, right, bottom, top } : undefined;
  }

  close(): void {
    const { pdfium } = this.#document;
    pdfium.pdfium.wasmExports.free(this.#scratch);
    pdfium.FPDFText_ClosePage(this.#handle);
  }
}
