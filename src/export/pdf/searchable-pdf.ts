import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { DocketError } from "../../contract/failures.ts";
import { wordsOf } from "../../contract/page.ts";
import { PdfSyntaxError } from "../../media/pdf-file/parser.ts";
import { type PdfPage, PdfStructure } from "../../media/pdf-file/pdf-structure.ts";
import { type PdfDictionary, PdfNumber, PdfReference, type PdfValue } from "../../media/pdf-file/values.ts";
import { openDocument, type PdfDocument, type SyncByteSource } from "../../media/pdfium.ts";
import { type DocumentFile, openDocumentFile } from "../../ocr/document-file.ts";
import type { ExportedPage, ExportInput } from "../export-input.ts";
import { collectGarbage, freeReaders, withinMemory } from "../free-memory.ts";
import { decodedPixels } from "../page-sizes.ts";
import { writeFont } from "./font-objects.ts";
import { CharacterCodes } from "./glyphless-font.ts";
import { IncrementalUpdate } from "./incremental-update.ts";
import { readPageFacts } from "./page-facts.ts";
import { pictureResolutions, type Resolution } from "./picture-resolution.ts";
import { writeRepairedCopy } from "./repaired-copy.ts";
import { textContent } from "./text-content.ts";
import { placeLines } from "./word-placement.ts";

/** pdfium keeps some memory of every page that it looked at; after so many it is dropped and opened anew. */
const pagesOfOneReader = 50;
/** Garbage is collected after so many pages: their words are short-lived, and the collector would let them pile up. */
const pagesBetweenCollections = 4;

/** What was made. */
export interface SearchablePdf {
  /** Pages that text was laid on. */
  pages: number;
  /** What a person should know; null: nothing. */
  note: string | null;
}

/**
 * Writes a PDF of the document whose words can be found, marked and copied where they stand. A PDF keeps all of its
 * bytes: the text is an update behind them. Pictures get a PDF around them, in their own coding and size. Words that a
 * page's own text has already are left out. In memory are one page's words at a time, and where the objects begin.
 *
 * @param path of the file to write
 * @throws {DocketError} `Encrypted`, `Corrupt`, `UnsupportedMedia`, `OutOfMemory`; as fetching the original does
 */
export async function writeSearchablePdf(input: ExportInput, path: string): Promise<SearchablePdf> {
  const original = await input.original();
  return withinMemory(input.document.fileName, () => writeFrom(original, input, path));
}

async function writeFrom(original: string, input: ExportInput, path: string): Promise<SearchablePdf> {
  const name = input.document.fileName;
  const file = await openDocumentFile(original, name, decodedPixels);
  try {
    const pictures = file.unit === "pixels";
    if (pictures) copySource(file.pdf, path);
    else await copyFile(original, path);
    const opened = await openStructure(file, path, name);
    const resolutions = pictures ? readResolutions(file, original, name) : undefined;
    try {
      const pages = await layText(input, file, opened.structure, path, resolutions);
      const why = `${name} is damaged (${opened.damage}): it was written anew, its pages look the same.`;
      return { pages, note: opened.damage === null ? null : why };
    } finally {
      opened.close();
    }
  } finally {
    file.close();
  }
}

function readResolutions(file: DocumentFile, original: string, name: string): Resolution[] {
  const source = openSource(original);
  try {
    return pictureResolutions(file.mediaType, source, name);
  } finally {
    source.close();
  }
}

/** The structure of the copy; a damaged one is repaired first, by the program that also shows its pages. */
async function openStructure(file: DocumentFile, path: string, name: string) {
  const pageCount = await countPages(file.pdf, name);
  await freeReaders();
  const first = openSource(path);
  try {
    return { ...checkedStructure(first, pageCount, name), damage: null };
  } catch (error) {
    first.close();
    if (!(error instanceof PdfSyntaxError)) throw error;
    const output = openSync(path, "w");
    const document = await openDocument(file.pdf, name);
    try {
      writeRepairedCopy(document, output);
    } finally {
      document.close();
      closeSync(output);
    }
    const second = openSource(path);
    try {
      return { ...checkedStructure(second, pageCount, name), damage: error.message };
    } catch (cause) {
      second.close();
      if (!(cause instanceof PdfSyntaxError)) throw cause;
      throw new DocketError("Corrupt", `${name} is damaged (${cause.message}): no text can be laid on it.`, { cause });
    }
  }
}

function checkedStructure(source: SyncByteSource & { close(): void }, pageCount: number, name: string) {
  const structure = new PdfStructure(source);
  if (structure.encrypted) {
    throw new DocketError("Encrypted", `${name} is encrypted with an owner's password: nothing may be added to it.`);
  }
  let pages = 0;
  for (const _ of structure.pages()) pages += 1;
  if (pages !== pageCount) throw new PdfSyntaxError(`${pages} pages, where ${pageCount} are shown`);
  return { structure, close: () => source.close() };
}

async function countPages(source: SyncByteSource, name: string): Promise<number> {
  const document = await openDocument(source, name);
  if (document.securityHandlerRevision !== -1) {
    document.close();
    throw new DocketError("Encrypted", `${name} is encrypted with an owner's password: nothing may be added to it.`);
  }
  const { pageCount } = document;
  document.close();
  return pageCount;
}

async function layText(
  input: ExportInput,
  file: DocumentFile,
  structure: PdfStructure,
  path: string,
  resolutions: readonly Resolution[] | undefined,
): Promise<number> {
  const update = new IncrementalUpdate(path, structure.crossReference);
  let reader: PdfDocument | undefined;
  try {
    const codes = new CharacterCodes();
    const font = update.reserve();
    const inFile = structure.pages();
    const texts = input.pages()[Symbol.asyncIterator]();
    let text = await texts.next();
    let laid = 0;
    for (let number = 1; ; number++) {
      const { value: page, done } = inFile.next();
      if (done) break;
      while (!text.done && text.value.number < number) text = await texts.next();
      const own: ExportedPage | undefined = !text.done && text.value.number === number ? text.value : undefined;
      const resolution = resolutions?.[number - 1];
      if (own === undefined && resolution === undefined) continue;
      if (number % pagesOfOneReader === 0) {
        reader?.close();
        reader = undefined;
        await freeReaders();
      } else if (number % pagesBetweenCollections === 0) {
        collectGarbage();
      }
      reader ??= await openDocument(file.pdf, input.document.fileName);
      const content =
        own === undefined ? "" : contentOf(reader, own, file.unit === "pixels", fontName(structure, page), codes);
      if (content === "" && resolution === undefined) continue;
      writePage(update, structure, page, content, font, resolution);
      if (content !== "") laid += 1;
    }
    if (laid > 0) writeFont(update, font, codes);
    if (laid > 0 || resolutions !== undefined) update.finish();
    return laid;
  } finally {
    reader?.close();
    update.close();
  }
}

function contentOf(
  reader: PdfDocument,
  page: ExportedPage,
  pictures: boolean,
  font: string,
  codes: CharacterCodes,
): string {
  // The text layer itself was the source: nothing is missing from it.
  if (page.source === "text-layer" || page.lines.length === 0) return "";
  const facts = readPageFacts(reader, page, pictures);
  const lines = page.lines
    .map((line) => ({ ...line, words: wordsOf(line).filter(({ box }) => !facts.hasText(box)) }))
    .filter(({ words }) => words.length > 0);
  const placed = placeLines(lines, facts.width, facts.height);
  return placed.length === 0 ? "" : textContent(placed, facts.system, font, codes);
}

/** A name that the page's own fonts do not have. */
function fontName(structure: PdfStructure, { resources }: PdfPage): string {
  const fonts = structure.dictionary(resources.get("Font"));
  let name = "DocketText";
  while (fonts.has(name)) name += "x";
  return name;
}

/** Writes the page again, with the text before its own content: before it, because nothing has changed the state yet. */
function writePage(
  update: IncrementalUpdate,
  structure: PdfStructure,
  page: PdfPage,
  content: string,
  font: PdfReference,
  resolution: Resolution | undefined,
): void {
  const dictionary: PdfDictionary = new Map(page.dictionary);
  const contents: PdfValue[] = [];
  const add = (data: string) => {
    const stream = update.reserve();
    update.writeStream(stream, Buffer.from(data, "latin1"));
    contents.push(stream);
  };
  if (resolution !== undefined) {
    const [across, down] = [72 / resolution.x, 72 / resolution.y];
    add(`${across.toFixed(6)} 0 0 ${down.toFixed(6)} 0 0 cm\n`);
    const box = structure.resolve(dictionary.get("MediaBox"));
    const sides = Array.isArray(box) ? box.map((side) => (side instanceof PdfNumber ? side.value : 0)) : [0, 0, 1, 1];
    dictionary.set(
      "MediaBox",
      sides.map((side, i) => new PdfNumber((side * (i % 2 === 0 ? across : down)).toFixed(3))),
    );
  }
  if (content !== "") {
    add(content);
    const fonts = new Map(structure.dictionary(page.resources.get("Font")));
    fonts.set(fontName(structure, page), font);
    dictionary.set("Resources", new Map(page.resources).set("Font", fonts));
  }
  const own = structure.resolve(dictionary.get("Contents"));
  const reference = dictionary.get("Contents");
  if (Array.isArray(own)) contents.push(...own);
  else if (reference instanceof PdfReference) contents.push(reference);
  update.write(page.reference, dictionary.set("Contents", contents));
}

/** A file as a source that can be read at any place. */
function openSource(path: string): SyncByteSource & { close(): void } {
  const descriptor = openSync(path, "r");
  return {
    size: fstatSync(descriptor).size,
    read(offset, into) {
      for (let done = 0; done < into.length; ) {
        const count = readSync(descriptor, into, done, into.length - done, offset + done);
        if (count === 0) throw new PdfSyntaxError("a place outside the file");
        done += count;
      }
    },
    close: () => closeSync(descriptor),
  };
}

function copySource(source: SyncByteSource, path: string): void {
  const file = openSync(path, "w");
  const buffer = new Uint8Array(1024 * 1024);
  try {
    for (let offset = 0; offset < source.size; offset += buffer.length) {
      const part = buffer.subarray(0, Math.min(buffer.length, source.size - offset));
      source.read(offset, part);
      writeSync(file, part);
    }
  } finally {
    closeSync(file);
  }
}
