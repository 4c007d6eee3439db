import { deflateSync } from "node:zlib";
import { deflateMegabytes } from "./bombs.mjs";
import { entry, outcomes, sample } from "./entry.mjs";
import { imagePage, stream } from "./pdf-writer.mjs";
import { withJpegFrame } from "./picture-writers.mjs";

// PDFs of one page that is one picture, which lies about itself or grows without end.

const grey = (width, height, filter = "") =>
  `/Width ${width}/Height ${height}/ColorSpace/DeviceGray/BitsPerComponent 8${filter}`;
const zeros = (megabytes) => deflateMegabytes(megabytes, 255);

/** A JPEG 2000 codestream of an enormous picture: its main header, and no data. */
function jpxHeader(side) {
  const size = Buffer.alloc(47);
  size.writeUInt16BE(0xff4f, 0);
  size.writeUInt16BE(0xff51, 2);
  size.writeUInt16BE(41, 4);
  for (const at of [8, 12, 24, 28]) size.writeUInt32BE(side, at);
  size.writeUInt16BE(1, 40);
  size.set([7, 1, 1], 42);
  const coding = Buffer.from("ff52000c00000001000504040001", "hex");
  const quantization = Buffer.from("ff5c00134040484850484850484850484850484850", "hex");
  return Buffer.concat([
    size.subarray(0, 45),
    coding,
    quantization,
    Buffer.from("ff90000a0000000000000001ff93ffd9", "hex"),
  ]);
}

/** JBIG2 segments: a page of this size, and a region that fills it (ITU-T T.88, 7.4). */
function jbig2(side) {
  const page = Buffer.alloc(11 + 19);
  page.set([0, 0, 0, 0, 48, 0, 1, 0, 0, 0, 19], 0);
  page.writeUInt32BE(side, 11);
  page.writeUInt32BE(side, 15);
  const region = Buffer.alloc(11 + 18 + 8 + 8);
  region.set([0, 0, 0, 1, 38, 0, 1, 0, 0, 0, 34], 0);
  region.writeUInt32BE(side, 11);
  region.writeUInt32BE(side, 15);
  region.set([0, 3, 255, 253, 255, 2, 254, 254, 254], 28);
  return Buffer.concat([page, region]);
}

export const picturesInPdf = [
  entry("image-claims-65535-squared.pdf", outcomes.pageFails, () => imagePage(grey(65_535, 65_535), Buffer.alloc(100))),
  entry("image-claims-20000-squared.pdf", outcomes.bounded, () =>
    imagePage(grey(20_000, 20_000, "/Filter/FlateDecode"), deflateSync(Buffer.alloc(100))),
  ),
  entry("image-of-2-billion-pixels-wide.pdf", outcomes.bounded, () =>
    imagePage(grey(2_147_483_647, 1), Buffer.alloc(100)),
  ),
  entry("image-of-negative-size.pdf", outcomes.mendable, () => imagePage(grey(-100, -100), Buffer.alloc(100))),
  entry("image-fax-of-40000-squared.pdf", outcomes.bounded, () =>
    imagePage(
      "/Width 40000/Height 40000/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 40000/Rows 40000>>",
      Buffer.alloc(5000, 0xff),
    ),
  ),
  entry("image-bomb-400-mb.pdf", outcomes.bounded, () =>
    imagePage(grey(20_000, 20_000, "/Filter/FlateDecode"), zeros(400)),
  ),
  entry("image-bomb-behind-a-small-size.pdf", outcomes.bounded, () =>
    imagePage(grey(10, 10, "/Filter/FlateDecode"), zeros(400)),
  ),
  entry("image-predictor-of-a-billion-columns.pdf", outcomes.mendable, () =>
    imagePage(
      grey(10, 10, "/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 30/BitsPerComponent 16/Columns 1000000000>>"),
      zeros(1),
    ),
  ),
  entry("image-run-length-bomb.pdf", outcomes.bounded, () =>
    imagePage(grey(20_000, 20_000, "/Filter/RunLengthDecode"), Buffer.alloc(3_000_000, 0x81)),
  ),
  entry("image-mask-is-itself.pdf", outcomes.mendable, () =>
    imagePage(grey(10, 10, "/SMask 6 0 R/Mask 6 0 R"), Buffer.alloc(100)),
  ),
  entry("image-mask-of-30000-squared.pdf", outcomes.bounded, () =>
    imagePage(grey(10, 10, "/SMask 7 0 R"), Buffer.alloc(100), {
      7: stream(`/Type/XObject/Subtype/Image${grey(30_000, 30_000, "/Filter/FlateDecode")}`, zeros(100)),
    }),
  ),
  entry("image-colours-in-a-circle.pdf", outcomes.mendable, () =>
    imagePage("/Width 10/Height 10/BitsPerComponent 8/ColorSpace 7 0 R", Buffer.alloc(300), {
      7: "[/Indexed 7 0 R 255 7 0 R]",
    }),
  ),
  entry("jpeg-in-pdf-lies-65500-squared.pdf", outcomes.bounded, () =>
    imagePage(
      "/Width 100/Height 100/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode",
      withJpegFrame(sample("invoice.jpg"), (copy, at) => {
        copy.writeUInt16BE(65_500, at + 5);
        copy.writeUInt16BE(65_500, at + 7);
      }),
    ),
  ),
  entry("jpx-in-pdf-lies-60000-squared.pdf", outcomes.bounded, () =>
    imagePage("/Width 100/Height 100/Filter/JPXDecode", jpxHeader(60_000)),
  ),
  entry("jbig2-in-pdf-lies-60000-squared.pdf", outcomes.bounded, () =>
    imagePage("/Width 100/Height 100/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode", jbig2(60_000)),
  ),
  entry("jbig2-in-pdf-of-60000-squared.pdf", outcomes.pageFails, () =>
    imagePage("/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode", jbig2(60_000)),
  ),
];
