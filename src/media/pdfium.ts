import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { init, type WrappedPdfiumModule } from "@embedpdf/pdfium";
import { DocketError } from "../contract/failures.ts";

/** Bytes that can be read at any place, synchronously; pdfium asks for the ranges that it needs. */
export interface SyncByteSource {
  /** Bytes. */
  readonly size: number;
  /** Fills `into` with the bytes from `offset` on; throws where they cannot be read. */
  read(offset: number, into: Uint8Array): void;
}

/** Which kind of form a PDF holds; the two XFA kinds hold pages that only an XFA processor can draw. */
export type FormType = "none" | "acroform" | "xfa-full" | "xfa-foreground";

/** An image that a page draws, as it declares itself: nothing is decoded to learn this. */
export interface PageImage {
  /** Pixels. */
  width: number;
  height: number;
  /** Where it is drawn: PDF points in the page's own system (origin at the bottom left, before rotation). */
  bounds: { left: number; bottom: number; right: number; top: number };
  /** pdfium's handle of it, as long as its page is loaded. */
  object: number;
}

/** A handle of pdfium: an address in its memory. */
type Handle = number;

let compiled: WebAssembly.Module | undefined;

/**
 * A fresh instance of pdfium; the compiled code is kept, the memory is not. A WebAssembly memory never shrinks, so
 * dropping the instance (with every view into it) is the only way to give memory back.
 */
export async function createPdfium(): Promise<WrappedPdfiumModule> {
  compiled ??= new WebAssembly.Module(
    readFileSync(createRequire(import.meta.url).resolve("@embedpdf/pdfium/pdfium.wasm")),
  );
  const module = compiled;
  const before = new Set(Object.getOwnPropertyNames(globalThis));
  const pdfium = await init({
    instantiateWasm(imports: WebAssembly.Imports, ready: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      ready(instance);
      return instance.exports;
    },
    // Its complaints (no memory, bad fonts) are told by results, not on a worker's standard error.
    print() {},
    printErr() {},
  } as Parameters<typeof init>[0]);
  forgetGlobals(before);
  pdfium.FPDF_InitLibrary();
  return pdfium;
}

/** This build leaves accessors on the global object (they explain missing symbols) that keep its memory alive. */
function forgetGlobals(before: ReadonlySet<string>): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (before.has(name)) continue;
    const property = Object.getOwnPropertyDescriptor(globalThis, name);
    if (property?.get !== undefined && property.configurable) Reflect.deleteProperty(globalThis, name);
  }
}

/**
 * Opens a PDF through range reads: a 480 MB file opens with some 80 KB read. Every document has a pdfium of its own, and
 * {@link PdfDocument.close} drops both, unless the caller has one that was used before.
 *
 * @param name what messages call the document
 * @param kept a pdfium without a document, which outlives this one
 * @throws {DocketError} `Encrypted` when a password is needed to open it, `Corrupt` when it is no PDF or cannot be
 * parsed. What `source.read` throws is thrown on as it is.
 */
export async function openDocument(
  source: SyncByteSource,
  name = "The document",
  kept?: WrappedPdfiumModule,
): Promise<PdfDocument> {
  // FPDF_FILEACCESS has 32-bit sizes in this build; Textract's own limit is far below.
  if (source.size > 0x7fffffff) throw new DocketError("TooLarge", `${name} is larger than 2 GiB.`);
  if (kept !== undefined) return new PdfDocument(kept, source, name);
  const pdfium = await createPdfium();
  return new PdfDocument(pdfium, source, name, () => pdfium.FPDF_DestroyLibrary());
}

// FPDF_ERR_*, fpdfview.h.
const errorPassword = 4;
const errorSecurity = 5;
const formTypes: readonly FormType[] = ["none", "acroform", "xfa-full", "xfa-foreground"];
// FPDF_PAGEOBJ_*, fpdf_edit.h.
const objectImage = 3;
const objectForm = 5;
const flattenDone = 1;

/** An open PDF. Page numbers are 1-based; sizes are PDF points (1/72 inch). Not usable after {@link close}. */
export class PdfDocument {
  /** pdfium's functions, for readers that need more than this class offers. */
  readonly pdfium: WrappedPdfiumModule;
  readonly pageCount: number;
  readonly name: string;
  readonly #document: Handle;
  readonly #access: Handle;
  readonly #callback: number;
  readonly #closed: () => void;
  #readError: unknown;
  #open = true;

  /** @param closed called once, behind the last use of its pdfium */
  constructor(pdfium: WrappedPdfiumModule, source: SyncByteSource, name: string, closed = () => {}) {
    this.pdfium = pdfium;
    this.name = name;
    this.#closed = closed;
    const runtime = pdfium.pdfium;
    this.#callback = runtime.addFunction((_parameter: number, offset: number, into: number, length: number) => {
      try {
        source.read(offset >>> 0, heap(pdfium).subarray(into, into + length));
        return 1;
      } catch (error) {
        this.#readError ??= error;
        return 0;
      }
    }, "iiiii");
    // struct FPDF_FILEACCESS { unsigned long m_FileLen; int (*m_GetBlock)(...); void* m_Param; }
    this.#access = runtime.wasmExports.malloc(12);
    runtime.setValue(this.#access, source.size, "i32");
    runtime.setValue(this.#access + 4, this.#callback, "i32");
    runtime.setValue(this.#access + 8, 0, "i32");
    this.#document = pdfium.FPDF_LoadCustomDocument(this.#access, "");
    this.throwReadError();
    if (this.#document === 0) {
      const error = pdfium.FPDF_GetLastError();
      if (error === errorPassword) throw new DocketError("Encrypted", `${name} asks for a password to be opened.`);
      if (error === errorSecurity) {
        throw new DocketError("Encrypted", `${name} is encrypted by a scheme that is not supported.`);
      }
      throw new DocketError("Corrupt", `${name} cannot be read as a PDF: it is damaged or not complete.`);
    }
    this.pageCount = pdfium.FPDF_GetPageCount(this.#document);
  }

  /**
   * Revision of the security handler; -1: not encrypted. A document that only has an owner password opens like any
   * other and still has a revision: Amazon Textract refuses those as well.
   */
  get securityHandlerRevision(): number {
    return this.pdfium.FPDF_GetSecurityHandlerRevision(this.#document);
  }

  get formType(): FormType {
    return formTypes[this.pdfium.FPDF_GetFormType(this.#document)] ?? "none";
  }

  /** The page's size as displayed: its crop box after rotation, in points. Undefined: the page is damaged. */
  pageSize(number: number): { width: number; height: number } | undefined {
    return this.#withMemory(8, (at) => {
      const found = this.pdfium.FPDF_GetPageSizeByIndexF(this.#document, number - 1, at);
      this.throwReadError();
      if (!found) return undefined;
      return { width: this.#float(at), height: this.#float(at + 4) };
    });
  }

  /**
   * Loads a page, hands its handle to `use` and closes it again. Form fields and notes become part of the page first
   * (in memory only), so that filled-in values are text and picture like everything else.
   * @throws {DocketError} `Corrupt` when the page cannot be loaded
   */
  withPage<T>(number: number, use: (page: Handle) => T): T {
    let page = this.#loadPage(number);
    try {
      if (this.pdfium.FPDFPage_GetAnnotCount(page) > 0 && this.pdfium.FPDFPage_Flatten(page, 0) === flattenDone) {
        this.pdfium.FPDF_ClosePage(page);
        page = 0;
        page = this.#loadPage(number);
      }
      return use(page);
    } finally {
      if (page !== 0) this.pdfium.FPDF_ClosePage(page);
      this.throwReadError();
    }
  }

  /** The images that a loaded page draws, those inside form objects included (at most 5 levels deep). */
  images(page: Handle): PageImage[] {
    const { pdfium } = this;
    const found: PageImage[] = [];
    const visit = (object: Handle, forms: readonly Handle[]) => {
      const type = pdfium.FPDFPageObj_GetType(object);
      if (type === objectForm && forms.length < 5) {
        const count = pdfium.FPDFFormObj_CountObjects(object);
        for (let i = 0; i < count; i++) visit(pdfium.FPDFFormObj_GetObject(object, i), [...forms, object]);
      } else if (type === objectImage) {
        this.#withMemory(8, (at) => {
          if (!pdfium.FPDFImageObj_GetImagePixelSize(object, at, at + 4)) return;
          const bounds = forms.reduceRight((inside, form) => this.#throughForm(form, inside), this.#bounds(object));
          found.push({ width: this.#unsigned(at), height: this.#unsigned(at + 4), bounds, object });
        });
      }
    };
    const count = pdfium.FPDFPage_CountObjects(page);
    for (let i = 0; i < count; i++) visit(pdfium.FPDFPage_GetObject(page, i), []);
    return found;
  }

  /** Of an object, in the system of the page or the form that it is in. */
  #bounds(object: Handle): PageImage["bounds"] {
    return this.#withMemory(16, (at) => {
      this.pdfium.FPDFPageObj_GetBounds(object, at, at + 4, at + 8, at + 12);
      const [left, bottom, right, top] = [0, 4, 8, 12].map((offset) => this.#float(at + offset));
      return { left: left ?? 0, bottom: bottom ?? 0, right: right ?? 0, top: top ?? 0 };
    });
  }

  /** Where a rectangle of a form's system is outside of the form; all of the form where pdfium does not tell. */
  #throughForm(form: Handle, { left, bottom, right, top }: PageImage["bounds"]): PageImage["bounds"] {
    return this.#withMemory(24, (at) => {
      if (!this.pdfium.FPDFPageObj_GetMatrix(form, at)) return this.#bounds(form);
      // struct FS_MATRIX { float a, b, c, d, e, f; }
      const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = [0, 4, 8, 12, 16, 20].map((offset) =>
        this.#float(at + offset),
      );
      const corners = [left, right].flatMap((x) => [bottom, top].map((y) => [a * x + c * y + e, b * x + d * y + f]));
      const [xs, ys] = [corners.map(([x = 0]) => x), corners.map(([, y = 0]) => y)];
      return { left: Math.min(...xs), bottom: Math.min(...ys), right: Math.max(...xs), top: Math.max(...ys) };
    });
  }

  /**
   * Draws a loaded page as displayed, on white, as `width` times `height` grey bytes, top row first.
   *
   * pdfium draws an image that it has no memory for as white and tells nobody: callers that bound memory must check
   * themselves whether a request for memory was refused meanwhile.
   * @param options `quarters`: clockwise quarter turns, after which the picture has the given size; `into` takes the
   * picture and is made here when left out
   */
  renderGrey(
    page: Handle,
    width: number,
    height: number,
    options: { quarters?: number; into?: Uint8Array } = {},
  ): Uint8Array {
    const { pdfium } = this;
    const { quarters = 0, into = new Uint8Array(width * height) } = options;
    // FPDFBitmap_Gray; pdfium allocates with its own row length when no buffer is given.
    const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, 1, 0, 0);
    if (bitmap === 0) throw new DocketError("OutOfMemory", `${this.name}: no memory for ${width} x ${height} pixels.`);
    try {
      pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xffffffff);
      // FPDF_ANNOT | FPDF_RENDER_LIMITEDIMAGECACHE
      pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, quarters, 0x01 | 0x200);
      const stride = pdfium.FPDFBitmap_GetStride(bitmap);
      const start = pdfium.FPDFBitmap_GetBuffer(bitmap);
      const memory = heap(pdfium);
      for (let row = 0; row < height; row++) {
        const from = start + row * stride;
        into.set(memory.subarray(from, from + width), row * width);
      }
      return into;
    } finally {
      pdfium.FPDFBitmap_Destroy(bitmap);
    }
  }

  /** Memory of its pdfium, bytes. It never shrinks. */
  get memoryBytes(): number {
    return heap(this.pdfium).length;
  }

  /** pdfium's own handle of the document, for functions that this class does not offer. */
  get handle(): Handle {
    return this.#document;
  }

  /** Throws what a read of the source threw since the last look; pdfium itself only sees a failed read. */
  throwReadError(): void {
    const error = this.#readError;
    this.#readError = undefined;
    if (error !== undefined) throw error;
  }

  /** Ends the document. A pdfium of its own is garbage once the caller forgets this object. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#document !== 0) this.pdfium.FPDF_CloseDocument(this.#document);
    this.pdfium.pdfium.wasmExports.free(this.#access);
    this.pdfium.pdfium.removeFunction(this.#callback);
    this.#closed();
  }

  #loadPage(number: number): Handle {
    const page = this.pdfium.FPDF_LoadPage(this.#document, number - 1);
    this.throwReadError();
    if (page === 0) throw new DocketError("Corrupt", `${this.name}: page ${number} cannot be read: it is damaged.`);
    return page;
  }

  #withMemory<T>(bytes: number, use: (address: number) => T): T {
    const { malloc, free } = this.pdfium.pdfium.wasmExports;
    const address = malloc(bytes);
    try {
      return use(address);
    } finally {
      free(address);
    }
  }

  #float(address: number): number {
    return this.pdfium.pdfium.getValue(address, "float");
  }

  #unsigned(address: number): number {
    return this.pdfium.pdfium.getValue(address, "i32") >>> 0;
  }
}

/** The memory of an instance as it is now: a growth replaces it, so never keep the result over a call. */
export function heap(pdfium: WrappedPdfiumModule): Uint8Array {
  return (pdfium.pdfium as unknown as { HEAPU8: Uint8Array }).HEAPU8;
}
