import { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import type { PicturePage } from "./picture-pdf.ts";
import { hasAllRows, hasRightSums } from "./png-data.ts";
import { decodePngToGrey } from "./png-grey.ts";
import { type PngHeader, pngColour, readPngHeader } from "./png-header.ts";

/** A picture with more pixels is refused when its page is drawn; its data are not looked through before. */
const checkedPixels = 600_000_000;

/**
 * A PNG file as a page. Its data are what a PDF calls Flate with PNG prediction, so they are passed on as they are;
 * only transparent and interlaced pictures, which a PDF cannot hold, are decoded here, row by row, to grey on white, and
 * no finer than they are recognised.
 *
 * @param maxPixels of a picture as it is recognised
 * @throws {DocketError} `Corrupt`; `OutOfMemory` when a picture that must be decoded here has more than four times
 * `maxPixels`
 */
export async function pngPage(source: SyncByteSource, name: string, maxPixels: number): Promise<PicturePage> {
  const header = readPngHeader(source, name);
  const { width, height, bitDepth, colourType } = header;
  const picture = { width, height, x: 0, y: 0 };
  const page = { width, height, orientation: 1 };
  const alpha = colourType === pngColour.greyAlpha || colourType === pngColour.rgbAlpha;
  if (alpha || header.transparent !== undefined || header.interlaced) {
    if (width * height > 4 * maxPixels) {
      const size = `${width} x ${height} pixels, transparent or interlaced`;
      throw new DocketError("OutOfMemory", `${name} (${size}) is larger than the recogniser may decode.`);
    }
    const { grey, whole, ...size } = await decodePngToGrey(header, name, maxPixels);
    const coding = "/ColorSpace/DeviceGray/BitsPerComponent 8";
    return {
      ...page,
      damage: damageOf(header, whole, name),
      parts: [{ ...picture, ...size, drawn: { width, height }, coding, data: [{ bytes: grey }] }],
    };
  }
  const whole = header.ended || width * height > checkedPixels || (await hasAllRows(header, name));
  const colours = colourType === pngColour.rgb ? 3 : 1;
  const space =
    colourType === pngColour.palette
      ? `[/Indexed/DeviceRGB ${header.palette.length / 3 - 1}<${Buffer.from(header.palette).toString("hex")}>]`
      : colours === 3
        ? "/DeviceRGB"
        : "/DeviceGray";
  const prediction = `<</Predictor 15/Colors ${colours}/BitsPerComponent ${bitDepth}/Columns ${width}>>`;
  const coding = `/ColorSpace${space}/BitsPerComponent ${bitDepth}/Filter/FlateDecode/DecodeParms${prediction}`;
  return { ...page, damage: damageOf(header, whole, name), parts: [{ ...picture, coding, data: header.data }] };
}

/** @param whole whether it has all of its rows */
function damageOf(header: PngHeader, whole: boolean, name: string): DocketError | null {
  if (!whole) return new DocketError("Corrupt", `${name} is a PNG that was cut off: its last rows are missing.`);
  if (hasRightSums(header)) return null;
  return new DocketError("Corrupt", `${name} is a PNG whose data are damaged: their checksums are not right.`);
}
