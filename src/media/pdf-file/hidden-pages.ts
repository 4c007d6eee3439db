import { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../pdfium.ts";
import { PdfSyntaxError } from "./parser.ts";
import { PdfStructure } from "./pdf-structure.ts";
import { smallLimits } from "./structure-limits.ts";
import { integer, PdfName, PdfReference, type PdfValue } from "./values.ts";

/** Nodes of a page tree that are looked at. */
const nodeLimit = 2000;

export interface HiddenPagesOptions {
  /** Whether a node whose count agrees with its number of kids is taken to hold so many pages, and none is looked at. */
  believeNodes: boolean;
  /** Asked before each node; where it says no, what was found so far counts. */
  mayGoOn(): boolean;
}

/**
 * Whether a PDF has more pages than its page tree says at its root. pdfium and other readers believe that number and
 * leave the others out without a word; so would whatever was read of the document.
 *
 * False as well where that cannot be told: the structure is damaged, large, or of a kind that is not parsed here.
 * @param shown pages that a reader finds
 */
export function hidesPages(source: SyncByteSource, shown: number, options: HiddenPagesOptions): boolean {
  try {
    const structure = new PdfStructure(source, smallLimits);
    if (structure.encrypted) return false;
    return leastPages(structure, shown, options) > shown;
  } catch (error) {
    if (error instanceof PdfSyntaxError) return false;
    throw error;
  }
}

/** The failure of a document that {@link hidesPages}. */
export function hiddenPages(name: string, shown: number): DocketError {
  const says = `${name} says that it has ${shown} ${shown === 1 ? "page" : "pages"}, but holds more`;
  return new DocketError("Corrupt", `${says}: readers leave the others out.`);
}

/** Pages that were found; looking ends where there are more than `enough`. */
function leastPages(structure: PdfStructure, enough: number, { believeNodes, mayGoOn }: HiddenPagesOptions): number {
  const catalog = structure.dictionary(structure.crossReference.trailer.get("Root"));
  const seen = new Set<number>();
  const open: PdfValue[] = [catalog.get("Pages") ?? null];
  let pages = 0;
  for (let node = open.pop(); node !== undefined && pages <= enough; node = open.pop()) {
    if (!(node instanceof PdfReference) || seen.has(node.number)) continue;
    if (seen.size >= nodeLimit || !mayGoOn()) break;
    seen.add(node.number);
    const entries = structure.resolve(node);
    if (!(entries instanceof Map)) continue;
    const kids = structure.resolve(entries.get("Kids"));
    if (Array.isArray(kids)) {
      if (believeNodes && kids.length === integer(structure.resolve(entries.get("Count")))) pages += kids.length;
      else open.push(...kids);
    } else {
      const type = structure.resolve(entries.get("Type"));
      if (type instanceof PdfName && type.name === "Page") pages += 1;
    }
  }
  return pages;
}
