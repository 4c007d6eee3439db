import type { Box, Line } from "../contract/page.ts";
import type { GreyPicture } from "./picture-analysis.ts";
import { holds, isAmong } from "./same-place.ts";
import { boxAround, type TextLayer } from "./text-layer.ts";

/** Lines below this mean confidence are no text: what is seen in photographs scores 20 to 50, badly printed text 70. */
const leastConfidence = 60;

/**
 * Leaves nothing of a drawn page but some places, in place: all else becomes white.
 * @param places fractions of the page as displayed
 * @param quarters clockwise quarter turns of the drawing
 */
export function keepOnly({ width, height, grey }: GreyPicture, places: readonly Box[], quarters: number): void {
  const kept = places.map((place) => {
    const { left, top, ...size } = turned(place, quarters);
    return {
      left: Math.floor(left * width),
      right: Math.ceil((left + size.width) * width),
      top: Math.floor(top * height),
      bottom: Math.ceil((top + size.height) * height),
    };
  });
  for (let y = 0; y < height; y++) {
    const row = grey.subarray(y * width, (y + 1) * width);
    const own = row.slice();
    row.fill(255);
    for (const { left, right, top, bottom } of kept) {
      if (y >= top && y < bottom) row.set(own.subarray(left, right), left);
    }
  }
}

function turned(box: Box, quarters: number): Box {
  let place = box;
  for (let quarter = 0; quarter < quarters; quarter++) {
    const { left, top, width, height } = place;
    place = { left: 1 - top - height, top: left, width: height, height: width };
  }
  return place;
}

/**
 * The lines of a text layer, and among them those that were recognised on the page's pictures: each picture's behind the
 * line that stands above it. What the layer has at the same place, and what is no text, is left out.
 * @param page its size as displayed
 */
export function withPictureLines(
  { lines, pictures }: TextLayer,
  recognized: readonly Line[],
  page: { width: number; height: number },
): Line[] {
  const isOfLayer = isAmong(lines, page);
  const added = recognized.flatMap((line) => {
    if (line.confidence < leastConfidence) return [];
    const words = line.words.filter(({ box }) => !isOfLayer(box));
    const text = words.map((word) => word.text).join(" ");
    if (!/[\p{L}\p{N}]{2}/u.test(text)) return [];
    return [{ ...line, text, words, box: boxAround(words.map(({ box }) => box)) }];
  });
  const behind = new Map<number, Line[]>();
  for (const line of added) {
    const picture = pictures.find((place) => holds(place, line.box));
    const index = picture === undefined ? lines.length : placeOf(picture, lines);
    behind.set(index, [...(behind.get(index) ?? []), line]);
  }
  return [...lines, undefined].flatMap((line, i) => [...(behind.get(i) ?? []), ...(line === undefined ? [] : [line])]);
}

/** How many lines come before a picture. */
function placeOf(picture: Box, lines: readonly Line[]): number {
  const across = ({ box }: Line) => box.left < picture.left + picture.width && picture.left < box.left + box.width;
  const above = lines.findLastIndex((line) => across(line) && line.box.top + line.box.height / 2 < picture.top);
  if (above >= 0) return above + 1;
  const below = lines.findIndex(across);
  return below >= 0 ? below : lines.length;
}
