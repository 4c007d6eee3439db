import type { FailureType } from "../contract/failures.ts";
import type { Box } from "../contract/page.ts";
import { heap, type PageImage, type PdfDocument } from "../media/pdfium.ts";
import { pageToDisplay } from "./page-to-display.ts";
import { type Deflated, isBrokenDeflate } from "./pictures/deflated.ts";
import { isBrokenGroup4 } from "./pictures/group4.ts";
import { unknownJpeg } from "./pictures/jpeg.ts";

// pdfium leaves out an image that it cannot decode, or draws it black, and tells nobody: the page would count as read.

/** Images of a page that are looked at: those of less are signs and rules. Pixels; part of the page, all together. */
const leastPixels = 1024;
const leastShare = 0.03;
/** Images of a page, and bytes of one of them, that are looked at, at most. */
const mostImages = 1000;
const mostBytes = 16 * 2 ** 20;
/** Codings that tell only by being decoded as a whole, which takes as long as to draw the page. */
const slow = new Set(["JBIG2Decode", "JPXDecode"]);

/** Part of the pixels that must be there: some writers leave out a row or two. */
const wholePart = 0.98;

/**
 * Bits that a pixel may have in the data where pdfium tells more: it tells those of its own bitmap, which are 8 for 4 bits
 * of grey, 24 for 16, and 32 for all with a colour that is left out (/Mask).
 */
const fewerBits = [1, 2, 3, 4, 6, 8, 12, 16, 24];

/** struct FPDF_IMAGEOBJ_METADATA: seven fields of 4 bytes, the fifth tells the bits of a pixel. */
const metadataBytes = 28;
const bitsAt = 16;

/** Why an image cannot be shown as it was. */
export interface BrokenImage {
  type: FailureType;
  what: string;
  remedy?: string;
}

/**
 * The first JPEG or fax image of a loaded page that cannot be decoded: a JPEG as far as the beginning of its data tells,
 * since one that was cut off is read as far as it goes.
 * @param images see {@link imagesToRead}
 */
export function findBrokenImage(
  document: PdfDocument,
  page: number,
  images: readonly PageImage[],
): BrokenImage | undefined {
  return firstOf(document, images, (image, filter) => {
    if (filter === "DCTDecode") return problemOfJpeg(document, page, image);
    if (filter !== "CCITTFaxDecode") return undefined;
    const { object, width, height } = image;
    const broken = withData(document, object, (data) => isBrokenGroup4(data, width, height));
    return broken === true ? undecodable(filter) : undefined;
  });
}

/** An image whose data are compressed, to be looked through when its page need not be loaded any more. */
export interface DeflatedImage extends Deflated {
  image: PageImage;
}

/** The compressed ones of a loaded page's images, as many as there is room for. */
export function deflatedImages(document: PdfDocument, page: number, images: readonly PageImage[]): DeflatedImage[] {
  const found: DeflatedImage[] = [];
  let room = mostBytes;
  for (const image of images) {
    const { object, width, height } = image;
    if (onlyFilter(document, object) !== "FlateDecode") continue;
    const data = withData(document, object, (bytes) => (bytes.length > room ? undefined : Buffer.from(bytes)));
    if (data === undefined) continue;
    room -= data.length;
    const bits = bitsOfPixel(document, page, object);
    const sizes = [bits, ...fewerBits.filter((fewer) => fewer < bits)].map((each) => {
      const size = height * Math.ceil((width * each) / 8);
      // A predictor (PNG's) puts one byte before each row.
      return { least: size * wholePart, most: size + height };
    });
    found.push({ image, data, sizes });
  }
  return found;
}

/** The first that breaks off or cannot be read on. Empties the list, because the page is recognised while it is held. */
export async function findCutImage(images: DeflatedImage[]): Promise<BrokenImage | undefined> {
  for (let next = images.shift(); next !== undefined; next = images.shift()) {
    if (!(await isBrokenDeflate(next))) continue;
    images.length = 0;
    return named(next.image, undecodable("FlateDecode"));
  }
  return undefined;
}

/** Whether {@link findUndecodableImage} has anything to look at. */
export function hasUndecidedImage(document: PdfDocument, images: readonly PageImage[]): boolean {
  return images.some(({ object }) => slow.has(onlyFilter(document, object) ?? ""));
}

/**
 * The first image of a loaded page whose decoder refuses it, where only the decoder can tell. That takes as long as to
 * draw the page: it is for places at which next to nothing was read.
 */
export function findUndecodableImage(document: PdfDocument, images: readonly PageImage[]): BrokenImage | undefined {
  return firstOf(document, images, (image, filter) =>
    slow.has(filter) && !canBeDecoded(document, image) ? undecodable(filter) : undefined,
  );
}

function firstOf(
  document: PdfDocument,
  images: readonly PageImage[],
  look: (image: PageImage, filter: string) => BrokenImage | undefined,
): BrokenImage | undefined {
  for (const image of images) {
    const filter = onlyFilter(document, image.object);
    const broken = filter === undefined ? undefined : look(image, filter);
    if (broken === undefined) continue;
    return named(image, broken);
  }
  return undefined;
}

function named({ width, height }: PageImage, { what, ...broken }: BrokenImage): BrokenImage {
  return { ...broken, what: `an image of ${width} x ${height} pixels ${what}` };
}

/**
 * Those of a loaded page's images that may hold text.
 * @param wanted whether an image at a place (fractions of the page as displayed) is looked at
 */
export function imagesToRead(
  document: PdfDocument,
  page: number,
  images: readonly PageImage[],
  wanted: (place: Box) => boolean,
): PageImage[] {
  if (images.length === 0) return [];
  const toBox = pageToDisplay(document, page);
  let share = 0;
  const chosen = images.filter(({ width, height, bounds }) => {
    const box = toBox(bounds);
    if (width * height < leastPixels || !wanted(box)) return false;
    share += box.width * box.height;
    return box.width * box.height > 0;
  });
  return share < leastShare ? [] : chosen.slice(0, mostImages);
}

function problemOfJpeg(document: PdfDocument, page: number, { object }: PageImage): BrokenImage | undefined {
  const kind = withData(document, object, (data) =>
    unknownJpeg({ size: data.length, read: (offset, into) => into.set(data.subarray(offset, offset + into.length)) }),
  );
  if (kind === undefined) return bitsOfPixel(document, page, object) > 0 ? undefined : undecodable("DCTDecode");
  const remedy = "Save its pictures anew as ordinary JPEGs (baseline or progressive, 8 bits), then submit that file.";
  return { type: "UnsupportedMedia", what: `is a JPEG ${kind}, which this engine does not know`, remedy };
}

function undecodable(filter: string): BrokenImage {
  return { type: "Corrupt", what: `cannot be decoded (${filter}): its data are damaged` };
}

/** The name of an image's filter where it has one and no other. */
function onlyFilter({ pdfium }: PdfDocument, object: number): string | undefined {
  if (pdfium.FPDFImageObj_GetImageFilterCount(object) !== 1) return undefined;
  const { malloc, free } = pdfium.pdfium.wasmExports;
  const room = 32;
  const scratch = malloc(room);
  try {
    const length = pdfium.FPDFImageObj_GetImageFilter(object, 0, scratch, room);
    if (length < 1 || length > room) return undefined;
    return Buffer.from(heap(pdfium).subarray(scratch, scratch + length - 1)).toString("latin1");
  } finally {
    free(scratch);
  }
}

/** Hands over an image's data as the file holds them; they are gone afterwards. */
function withData<T>({ pdfium }: PdfDocument, object: number, use: (data: Uint8Array) => T): T | undefined {
  const size = pdfium.FPDFImageObj_GetImageDataRaw(object, 0, 0);
  if (size === 0 || size > mostBytes) return undefined;
  const { malloc, free } = pdfium.pdfium.wasmExports;
  const start = malloc(size);
  if (start === 0) return undefined;
  try {
    pdfium.FPDFImageObj_GetImageDataRaw(object, start, size);
    return use(heap(pdfium).subarray(start, start + size));
  } finally {
    free(start);
  }
}

/** Of an image as pdfium decodes it; 0 where it makes no decoder for it. Only the beginning of its data is looked at. */
function bitsOfPixel({ pdfium }: PdfDocument, page: number, object: number): number {
  const { malloc, free } = pdfium.pdfium.wasmExports;
  const scratch = malloc(metadataBytes);
  try {
    if (!pdfium.FPDFImageObj_GetImageMetadata(object, page, scratch)) return 0;
    return pdfium.pdfium.getValue(scratch + bitsAt, "i32");
  } finally {
    free(scratch);
  }
}

function canBeDecoded({ pdfium }: PdfDocument, { object }: PageImage): boolean {
  const bitmap = pdfium.FPDFImageObj_GetBitmap(object);
  if (bitmap !== 0) pdfium.FPDFBitmap_Destroy(bitmap);
  return bitmap !== 0;
}
