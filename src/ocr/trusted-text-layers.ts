import { DocketError } from "../contract/failures.ts";
import type { PageImage, PdfDocument } from "../media/pdfium.ts";
import { readTextLayer, type TextLayer } from "./text-layer.ts";
import { followNeighbour, judgeTextLayer, type TextLayerVerdict } from "./text-layer-trust.ts";

/** A short page follows the nearest page, at most this far away, that has enough text to be judged. */
const neighbourDistance = 3;

/** A document's text layers, as far as they are trusted. */
export class TrustedTextLayers {
  readonly #language: string;
  readonly #verdicts = new Map<number, TextLayerVerdict>();

  constructor(language: string) {
    this.#language = language;
  }

  /** @param of.page pdfium's handle of the loaded page */
  find(
    document: PdfDocument,
    of: { number: number; page: number; images: readonly PageImage[] },
  ): TextLayer | undefined {
    const { number, page, images } = of;
    const layer = readTextLayer(document, page, images);
    const own = judgeTextLayer(layer.evidence, this.#language);
    this.#verdicts.set(number, own);
    const verdict = own.trusted && !own.decisive ? followNeighbour(own, this.#neighbour(document, number)) : own;
    return verdict.trusted ? layer : undefined;
  }

  /** The verdict on the nearest page with enough text; from the document alone, so that a resumed run agrees. */
  #neighbour(document: PdfDocument, number: number): TextLayerVerdict | undefined {
    for (let distance = 1; distance <= neighbourDistance; distance++) {
      for (const neighbour of [number - distance, number + distance]) {
        if (neighbour < 1 || neighbour > document.pageCount) continue;
        const verdict = this.#verdictOn(document, neighbour);
        if (verdict.decisive) return verdict;
      }
    }
    return undefined;
  }

  #verdictOn(document: PdfDocument, number: number): TextLayerVerdict {
    let verdict = this.#verdicts.get(number);
    if (verdict === undefined) {
      try {
        verdict = document.withPage(number, (page) =>
          judgeTextLayer(readTextLayer(document, page, document.images(page)).evidence, this.#language),
        );
      } catch (error) {
        if (!(error instanceof DocketError)) throw error;
        verdict = { trusted: false, decisive: false, reason: "no-text" };
      }
      this.#verdicts.set(number, verdict);
    }
    return verdict;
  }
}
