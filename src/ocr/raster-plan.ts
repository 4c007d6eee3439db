import type { PageImage } from "../media/pdfium.ts";

/** How large a page is drawn for recognition. */
export interface RasterPlan {
  /** Pixels. */
  width: number;
  height: number;
  /** Resolution that the picture has then; undefined: unknown, as for photographs. */
  dpi: number | undefined;
}

/**
 * Resolutions that a page is tried at, one after the other, when it does not fit memory or time: DPI of an ordinary
 * page, and in proportion the pixels of any page.
 */
export const resolutions = [300, 200, 150] as const;

/** A page below this resolution reads better when it is enlarged: text is recognised at some 30 pixels of height. */
const leastDpi = 150;

/** What is known of a page before it is drawn. */
export interface PageToDraw {
  /** Size as displayed: PDF points, or pixels where `unit` is `pixels` (a picture on its own). */
  width: number;
  height: number;
  unit: "points" | "pixels";
  images: readonly PageImage[];
}

/**
 * Chooses the picture's size: a scan is drawn on its own grid of pixels (drawing it larger or smaller only blurs it),
 * anything else at 300 DPI, and nothing above the pixel budget: a page of 200 x 200 inches becomes a coarser picture,
 * not a bigger process.
 *
 * @param maxPixels of the picture
 * @param attempt 0 for the first try; each further one has fewer pixels ({@link resolutions})
 */
export function planRaster(page: PageToDraw, maxPixels: number, attempt: number): RasterPlan {
  const [full] = resolutions;
  const limitDpi = resolutions[Math.min(attempt, resolutions.length - 1)] ?? full;
  const budget = maxPixels * (limitDpi / full) ** 2;
  if (page.unit === "pixels") {
    // A picture's own resolution is often wrong (cameras write 72), so only the budget makes it smaller.
    const scale = Math.min(limitDpi / full, Math.sqrt(budget / (page.width * page.height)));
    return { ...pixels(page.width * scale, page.height * scale), dpi: undefined };
  }
  const scanned = scanDpi(page);
  const wanted = Math.min(limitDpi, Math.max(leastDpi, scanned ?? full));
  const dpi = Math.min(wanted, 72 * Math.sqrt(budget / (page.width * page.height)));
  const drawn = pixels((page.width * dpi) / 72, (page.height * dpi) / 72);
  return { ...onGridOf(page, drawn), dpi: Math.max(1, Math.round(dpi)) };
}

/** The resolution of the images that cover most of the page; undefined when they do not. */
export function scanDpi(page: PageToDraw): number | undefined {
  let covered = 0;
  let weighted = 0;
  for (const image of page.images) {
    const area = drawnArea(image);
    if (area <= 0) continue;
    covered += area;
    // The same whichever way the image is turned.
    weighted += area * 72 * Math.sqrt((image.width * image.height) / area);
  }
  return covered > 0.5 * page.width * page.height ? weighted / covered : undefined;
}

/** Square points that an image takes on its page. */
export function drawnArea({ bounds }: PageImage): number {
  return Math.max(0, bounds.right - bounds.left) * Math.max(0, bounds.top - bounds.bottom);
}

/** Rounding apart, a page that is one scan gets exactly the scan's pixels. */
function onGridOf(page: PageToDraw, drawn: { width: number; height: number }) {
  const near = (a: number, b: number) => Math.abs(a - b) <= 2;
  for (const { width, height } of page.images) {
    if (near(width, drawn.width) && near(height, drawn.height)) return { width, height };
    if (near(height, drawn.width) && near(width, drawn.height)) return { width: height, height: width };
  }
  return drawn;
}

function pixels(width: number, height: number) {
  return { width: Math.max(1, Math.floor(width)), height: Math.max(1, Math.floor(height)) };
}
