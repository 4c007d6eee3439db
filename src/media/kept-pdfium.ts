import type { WrappedPdfiumModule } from "@embedpdf/pdfium";
import { createPdfium, heap } from "./pdfium.ts";

/** Documents that one pdfium opens, one after another. */
const usesPerInstance = 100;

/**
 * A pdfium that is used again: making one takes ten times the processor time of asking it about a usual document. It is
 * dropped when its memory has grown, which it never gives back, and after a hundred documents.
 */
export class KeptPdfium {
  #free: Lent | undefined;
  #lent: Lent | undefined;

  /** A pdfium without a document; the caller's alone until {@link giveBack}. One that is not given back is garbage. */
  async take(): Promise<WrappedPdfiumModule> {
    this.#lent = this.#free ?? (await create());
    this.#free = undefined;
    return this.#lent.pdfium;
  }

  /** Only where its document was read to the end and is closed: one that a document broke must not see the next. */
  giveBack(): void {
    const lent = this.#lent;
    this.#lent = undefined;
    if (lent === undefined) return;
    lent.uses += 1;
    if (lent.uses < usesPerInstance && heap(lent.pdfium).length === lent.bytes) this.#free = lent;
  }
}

interface Lent {
  pdfium: WrappedPdfiumModule;
  uses: number;
  /** Memory that it had before its first document. */
  bytes: number;
}

async function create(): Promise<Lent> {
  const pdfium = await createPdfium();
  return { pdfium, uses: 0, bytes: heap(pdfium).length };
}
