import type { Box } from "../../contract/page.ts";
import type { PdfDocument } from "../../media/pdfium.ts";
import { pageAxes } from "../../ocr/page-to-display.ts";
import { holds, isAmong } from "../../ocr/same-place.ts";
import { readTextLayer } from "../../ocr/text-layer.ts";
import { judgeTextLayer, mayBeEnglish } from "../../ocr/text-layer-trust.ts";
import type { PageSystem } from "./text-content.ts";

/** What must be known of a page before text is laid on it. */
export interface PageFacts {
  /** As displayed, in units of the page's own system. */
  width: number;
  height: number;
  system: PageSystem;
  /** Whether a word at this place (fractions of the page) is in the page's own text already. */
  hasText(box: Box): boolean;
}

/**
 * Looks at a page: how it is turned and cropped, and what text it has of its own. Text that is there and can be believed
 * is not written a second time; an unreadable layer (an earlier program's bad reading, fonts that do not tell what their
 * characters are) counts as none.
 * @param page.text as it was recognised: what it is written in, the page's own text is held to
 * @param pictures whether the pages are pictures, which have no text
 */
export function readPageFacts(
  document: PdfDocument,
  { number, text }: { number: number; text: string },
  pictures: boolean,
): PageFacts {
  return document.withPage(number, (page) => {
    const shown = displayedSystem(document, page);
    if (pictures) return { ...shown, hasText: () => false };
    const images = document.images(page);
    const { lines, evidence, pictures: unread } = readTextLayer(document, page, images);
    const { trusted, reason } = judgeTextLayer(evidence, mayBeEnglish(text) ? "eng" : "");
    const isOwn = isAmong(lines, shown);
    if (trusted && evidence.imageCoverage > 0.5) {
      return { ...shown, hasText: (box) => isOwn(box) || !unread.some((place) => holds(place, box)) };
    }
    const believed = trusted || reason === "image-without-its-text";
    return { ...shown, hasText: believed ? isOwn : () => false };
  });
}

function displayedSystem(document: PdfDocument, page: number): Omit<PageFacts, "hasText"> {
  // Fractions of the page as displayed, from places of its own system; turned round below.
  const { zero, alongX, alongY } = pageAxes(document, page);
  const determinant = alongX.x * alongY.y - alongY.x * alongX.y;
  const right = { x: alongY.y / determinant, y: -alongX.y / determinant };
  const down = { x: -alongY.x / determinant, y: alongX.x / determinant };
  const [width, height] = [Math.hypot(right.x, right.y), Math.hypot(down.x, down.y)];
  return {
    width,
    height,
    system: {
      origin: { x: -(right.x * zero.x + down.x * zero.y), y: -(right.y * zero.x + down.y * zero.y) },
      right: { x: right.x / width, y: right.y / width },
      down: { x: down.x / height, y: down.y / height },
    },
  };
}
