import { createHash } from "node:crypto";
import { DocketError } from "../contract/failures.ts";
import type { Box, Line, PageSource, RecognizedPage, Rule, Word } from "../contract/page.ts";
import { hiddenPages, hidesPages } from "../media/pdf-file/hidden-pages.ts";
import { openDocument, type PageImage, type PdfDocument } from "../media/pdfium.ts";
import {
  type BrokenImage,
  deflatedImages,
  findBrokenImage,
  findCutImage,
  findUndecodableImage,
  hasUndecidedImage,
  imagesToRead,
} from "./broken-images.ts";
import type { DocumentFile } from "./document-file.ts";
import { collectGarbage, freeEngines } from "./free-engines.ts";
import { drawPage, type PageDrawing } from "./page-drawing.ts";
import { withPictureLines } from "./page-pictures.ts";
import { mayHideImages } from "./page-scan.ts";
import { boxOnPage } from "./picture-treatment.ts";
import type { Recognizer } from "./recognizer.ts";
import { readRules } from "./ruled-lines.ts";
import { holds } from "./same-place.ts";
import { linesFromTsv, meanConfidence } from "./tesseract-lines.ts";
import { TrustedTextLayers } from "./trusted-text-layers.ts";

/** A page whose images have more pixels together is not decoded: A0 at 600 DPI has 560 million, of 1 bit each. */
const maxImagePixels = 600_000_000;
/** Mean confidence below which a page may stand on its head: such pages score about 33, badly printed ones 70. */
const doubtfulConfidence = 60;
const doubtfulCharacters = 20;
/** What a stamp and a page's number have together; with less, it is asked whether an image was shown at all. */
const fewCharacters = 100;

/** Readings of pictures that are kept for the pages that show the same. */
const keptPictures = 16;

/** How long is looked for pages that the document does not count; a sound one takes some milliseconds. */
const hiddenPagesMilliseconds = 5000;

interface PageReaderOptions {
  name: string;
  maxPixels: number;
  language: string;
  /** Whether the strokes of pages with a text layer are told, too. */
  rules: boolean;
  /** Makes the engine when the first page needs one. */
  createRecognizer(): Recognizer;
  /** The cap on WebAssembly memory; see `capWebAssemblyMemory`. */
  memory: { exhausted(): boolean };
}

/** How a page is drawn. */
interface Drawn {
  attempt: number;
  /** What is kept of it; undefined: all. */
  only: readonly Box[] | undefined;
}

/** What recognition made of a page. */
interface Reading {
  lines: Line[];
  /** Mean of the words' confidences, each counted with its length; 0-100. */
  confidence: number;
  characters: number;
}

/**
 * Reads a document page by page: from the text layer where that can be trusted, otherwise from a picture of the page. What
 * images show beside a trusted layer is recognised, too.
 * pdfium and a Tesseract of WebAssembly are never in memory together, and neither outlives a page that was recognised.
 */
export class PageReader {
  readonly #file: DocumentFile;
  readonly #options: PageReaderOptions;
  readonly #textLayers: TrustedTextLayers;
  #document: PdfDocument | undefined;
  /** Whether no image has a mask; looked up when the first page is drawn. */
  #plain: boolean | undefined;
  /** Whether the page has an image of which only its decoder can tell whether it was shown. */
  #undecided = false;
  #recognizer: Recognizer | undefined;
  /** What was read on pictures beside a text layer, by the sum of their pixels. */
  readonly #pictures = new Map<string, Reading>();

  constructor(file: DocumentFile, options: PageReaderOptions) {
    this.#file = file;
    this.#options = options;
    this.#textLayers = new TrustedTextLayers(options.language);
  }

  /** @throws {DocketError} `Corrupt`, `Encrypted`, `XfaForm` */
  async open(): Promise<{ pages: number }> {
    const document = await this.#open();
    if (document.pageCount < 1) throw new DocketError("Corrupt", `${this.#options.name} has no pages.`);
    if (document.formType === "xfa-full") {
      throw new DocketError("XfaForm", `${this.#options.name} is an XFA form: its pages are not in the file.`);
    }
    this.#refuseHiddenPages(document.pageCount);
    return { pages: document.pageCount };
  }

  #refuseHiddenPages(shown: number): void {
    if (this.#file.mediaType !== "application/pdf") return;
    const deadline = performance.now() + hiddenPagesMilliseconds;
    const options = { believeNodes: false, mayGoOn: () => performance.now() < deadline };
    if (hidesPages(this.#file.pdf, shown, options)) throw hiddenPages(this.#options.name, shown);
  }

  /**
   * @param attempt 0 for the first try; see `resolutions`
   * @param onProgress called now and then while the page is recognised
   * @throws {DocketError} `OutOfMemory`, `Corrupt`, `UnsupportedMedia`, `RecognizerCrashed`
   */
  async read(number: number, attempt: number, onProgress: () => void): Promise<RecognizedPage> {
    const { memory, name } = this.#options;
    memory.exhausted();
    let failure: DocketError;
    try {
      return await this.#read(number, attempt, onProgress);
    } catch (error) {
      if (memory.exhausted() || isAllocationFailure(error)) {
        failure = this.#outOfMemory(number);
      } else if (error instanceof DocketError) {
        const message = error.message.includes(name) ? error.message : `${name}: page ${number}: ${error.message}`;
        failure = new DocketError(error.type, message, { remedy: error.remedy });
      } else {
        failure = new DocketError(
          "RecognizerCrashed",
          `${name}: page ${number} crashed its decoder (${String(error)}).`,
        );
      }
    }
    // Only here, and with another error: an error's stack keeps what was on it, and so all of an engine's memory.
    await this.#dropDocument();
    throw failure;
  }

  async #read(number: number, attempt: number, onProgress: () => void): Promise<RecognizedPage> {
    const unreadable = this.#file.unreadable.get(number);
    if (unreadable !== undefined) throw unreadable;
    await this.#open();
    const { size, layer, deflated } = this.#sizeAndLayer(number);
    this.#throwIfExhausted(number);
    if (deflated.length > 0) {
      this.#throwIfBroken(await findCutImage(deflated));
      // What was inflated would lie beside the page's drawing and the engine.
      await collectGarbage();
    }
    if (layer === undefined) {
      const { lines } = await this.#recognize(number, { attempt, only: undefined }, onProgress);
      return pageOf(number, size, lines, "recognition");
    }
    const rules = this.#options.rules ? { rules: this.#rules(number) } : {};
    const page = { ...pageOf(number, size, layer.lines, "text-layer"), ...rules };
    if (layer.pictures.length === 0) return page;
    const recognized = await this.#recognizePictures(number, { attempt, only: layer.pictures }, onProgress);
    const lines = withPictureLines(layer, recognized.lines, size);
    return lines.length === layer.lines.length ? page : { ...pageOf(number, size, lines, "recognition"), ...rules };
  }

  /** Functions of their own, because a variable that holds the document keeps all of pdfium's memory alive. */
  #sizeAndLayer(number: number) {
    const document = this.#document as PdfDocument;
    const size = document.pageSize(number);
    if (size === undefined) throw new DocketError("Corrupt", `${this.#options.name}: page ${number} cannot be found.`);
    return document.withPage(number, (page) => {
      const images = document.images(page);
      this.#refuseLargeImages(number, images);
      // A picture has none.
      const layer =
        this.#file.unit === "pixels" ? undefined : this.#textLayers.find(document, { number, page, images });
      const toRead = imagesToRead(document, page, images, (place) => isIn(layer?.pictures, place));
      this.#throwIfBroken(findBrokenImage(document, page, toRead));
      this.#undecided = hasUndecidedImage(document, toRead);
      // A PNG was looked through when it was opened.
      const deflated = this.#file.mediaType === "image/png" ? [] : deflatedImages(document, page, toRead);
      return { size, layer, deflated };
    });
  }

  /** What a letterhead or a background shows on every page is recognised once. */
  async #recognizePictures(number: number, how: Drawn, onProgress: () => void): Promise<Reading> {
    const drawing = this.#draw(number, how, undefined);
    this.#throwIfExhausted(number);
    const sum = createHash("sha256").update(drawing.file).digest("base64");
    const kept = this.#pictures.get(sum);
    // An image that cannot be decoded is drawn white, as an earlier page's white one was.
    if (kept !== undefined && this.#undecided) this.#refuseUndecodable(number, how.only, kept.lines);
    const reading = kept ?? (await this.#recognize(number, how, onProgress, drawing));
    this.#pictures.set(sum, reading);
    const [oldest] = this.#pictures.keys();
    if (this.#pictures.size > keptPictures && oldest !== undefined) this.#pictures.delete(oldest);
    return reading;
  }

  /** Recognises a page, or what is kept of it; once more turned round where it may stand on its head. */
  async #recognize(
    number: number,
    how: Drawn,
    onProgress: () => void,
    drawing = this.#draw(number, how, undefined),
  ): Promise<Reading> {
    const { quarters } = drawing.turn;
    let best = await this.#recognizeDrawing(number, drawing, onProgress);
    for (const other of quarters === 0 ? [2] : [3, 0]) {
      if (best.confidence >= doubtfulConfidence || best.characters < doubtfulCharacters) break;
      await this.#open();
      const reading = await this.#recognizeDrawing(number, this.#draw(number, how, other), onProgress);
      if (reading.confidence > best.confidence) best = reading;
    }
    if (this.#undecided) {
      await this.#open();
      this.#refuseUndecodable(number, how.only, best.lines);
    }
    return best;
  }

  #draw(number: number, { attempt, only }: Drawn, quarters: number | undefined): PageDrawing {
    const document = this.#document as PdfDocument;
    const size = document.pageSize(number) ?? { width: 1, height: 1 };
    return document.withPage(number, (page) => {
      const toDraw = { ...size, unit: this.#file.unit, images: document.images(page) };
      const { maxPixels } = this.#options;
      this.#plain ??= !mayHideImages(this.#file.pdf);
      return drawPage(document, page, toDraw, { maxPixels, attempt, quarters, plain: this.#plain, only });
    });
  }

  async #recognizeDrawing(number: number, drawing: PageDrawing, onProgress: () => void): Promise<Reading> {
    this.#throwIfExhausted(number);
    if (drawing.blank) {
      await this.#dropDocument();
      return { lines: [], confidence: 0, characters: 0 };
    }
    this.#recognizer ??= this.#options.createRecognizer();
    if ((this.#document?.memoryBytes ?? 0) > this.#recognizer.spareBytes) await this.#dropDocument();
    const tsv = await this.#recognizer.recognize(drawing, onProgress);
    this.#throwIfExhausted(number);
    const lines = linesFromTsv(tsv, drawing.width, drawing.height, (box) => boxOnPage(box, drawing.turn));
    return { lines, ...confidenceOf(lines) };
  }

  /** Memory of the engine's own process: between two pages, and at most; bytes. */
  get engineMemory(): { restingBytes: number; peakResidentBytes: number } {
    return this.#recognizer ?? { restingBytes: 0, peakResidentBytes: 0 };
  }

  /** Ends the engine's own process. */
  async close(): Promise<void> {
    await this.#recognizer?.close();
  }

  #refuseLargeImages(number: number, images: readonly PageImage[]): void {
    const pixels = images.reduce((sum, { width, height }) => sum + width * height, 0);
    if (pixels <= maxImagePixels) return;
    const { name } = this.#options;
    const size = `${Math.round(pixels / 1_000_000)} megapixels of images; ${maxImagePixels / 1_000_000} are the limit`;
    throw new DocketError("LocalLimitExceeded", `${name}: page ${number} has ${size}.`, {
      remedy: "Use the engine textract, or scan the page at a lower resolution.",
    });
  }

  #refuseUndecodable(number: number, places: readonly Box[] | undefined, lines: readonly Line[]): void {
    const document = this.#document as PdfDocument;
    const words = lines.flatMap((line) => line.words);
    const wanted = (place: Box) => isIn(places, place) && !showsText(place, words);
    const broken = document.withPage(number, (page) =>
      findUndecodableImage(document, imagesToRead(document, page, document.images(page), wanted)),
    );
    this.#throwIfBroken(broken);
  }

  #throwIfBroken(broken: BrokenImage | undefined): void {
    // For want of memory nothing was learned; where it is wanting for drawing as well, that tells.
    if (broken === undefined || this.#options.memory.exhausted()) return;
    const { type, what, ...remedy } = broken;
    throw new DocketError(type, what, remedy);
  }

  #rules(number: number): Rule[] {
    const document = this.#document as PdfDocument;
    return document.withPage(number, (page) => readRules(document, page));
  }

  async #open(): Promise<PdfDocument> {
    this.#document ??= await openDocument(this.#file.pdf, this.#options.name);
    return this.#document;
  }

  async #dropDocument(): Promise<void> {
    this.#document?.close();
    this.#document = undefined;
    await freeEngines();
  }

  /** pdfium draws what it has no memory for as white paper, and says that all went well. */
  #throwIfExhausted(number: number): void {
    if (this.#options.memory.exhausted()) throw this.#outOfMemory(number);
  }

  #outOfMemory(number: number): DocketError {
    return new DocketError("OutOfMemory", `${this.#options.name}: page ${number} takes more memory than is allowed.`);
  }
}

function pageOf(
  number: number,
  size: { width: number; height: number },
  lines: Line[],
  source: PageSource,
): RecognizedPage {
  const text = lines.map((line) => line.text).join("\n");
  const confidence = meanConfidence(lines.flatMap((line) => line.words));
  return { number, width: size.width, height: size.height, text, confidence, lines, source };
}

function confidenceOf(lines: readonly Line[]): { confidence: number; characters: number } {
  let [weighted, characters] = [0, 0];
  for (const word of lines.flatMap((line) => line.words)) {
    weighted += word.confidence * word.text.length;
    characters += word.text.length;
  }
  return { confidence: characters === 0 ? 0 : weighted / characters, characters };
}

/** Whether a place is among those that are recognised; undefined: all of the page. */
function isIn(places: readonly Box[] | undefined, place: Box): boolean {
  return places === undefined || places.some((other) => holds(other, place));
}

function showsText(place: Box, words: readonly Word[]): boolean {
  const characters = words.reduce((sum, { box, text }) => sum + (holds(place, box) ? text.length : 0), 0);
  return characters >= fewCharacters;
}

function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /alloc|memory|array length|array buffer/i.test(error.message);
}
