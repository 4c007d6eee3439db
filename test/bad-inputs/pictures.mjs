import { deflateSync } from "node:zlib";
import { deflateMegabytes, deflateRepeated } from "./bombs.mjs";
import { both, entry, outcomes, sample } from "./entry.mjs";
import {
  bilevelTags,
  plainPng,
  png,
  pngChunk,
  pngHeader,
  tiff,
  whitePicture,
  withJpegFrame,
} from "./picture-writers.mjs";

// PNG, JPEG and TIFF files that lie about their size, or have no end.

const jpeg = (change) => () => withJpegFrame(sample("invoice.jpg"), change);
const tooWide = { textract: ["PageTooLarge"], local: ["complete", "PagesFailed"] };
const tooWideAndEmpty = { textract: ["PageTooLarge"], local: ["PagesFailed", "Corrupt", "complete"] };
const data = (bytes) => pngChunk("IDAT", deflateSync(bytes));
const white = { width: 64, height: 64 };
const whiteRows = () => deflateRepeated(Buffer.concat([Buffer.alloc(1), Buffer.alloc(64, 255)]), 64);

const pngs = [
  entry("chunk-of-4-gb.png", outcomes.mendable, () => png(pngHeader(white), pngChunk("IDAT", whiteRows(), 0xffffffff))),
  entry("chunk-shorter-than-its-data.png", outcomes.mendable, () =>
    png(pngHeader(white), pngChunk("IDAT", whiteRows(), 3), pngChunk("IEND")),
  ),
  entry("a-hundred-thousand-empty-chunks.png", outcomes.mendable, () =>
    png(pngHeader(white), ...Array.from({ length: 100_000 }, () => pngChunk("IDAT")), pngChunk("IEND")),
  ),
  entry("without-data.png", outcomes.mendable, () => png(pngHeader(white), pngChunk("IEND"))),
  entry("of-no-size.png", outcomes.corrupt, () => png(pngHeader({ width: 0, height: 0 }), data(Buffer.alloc(9)))),
  entry("of-2-billion-squared.png", tooWideAndEmpty, () =>
    png(pngHeader({ width: 0x7fffffff, height: 0x7fffffff }), data(Buffer.alloc(9)), pngChunk("IEND")),
  ),
  entry("of-3-bits-a-sample.png", outcomes.mendable, () =>
    png(pngHeader({ ...white, bitDepth: 3 }), data(Buffer.alloc(9)), pngChunk("IEND")),
  ),
  entry("palette-missing.png", outcomes.mendable, () =>
    png(pngHeader({ ...white, colour: 3 }), pngChunk("IDAT", whiteRows()), pngChunk("IEND")),
  ),
  entry("65500-pixels-wide.png", tooWide, () => plainPng({ width: 65_500, height: 100 }, 65_500)),
  entry("one-pixel-of-65500-rows.png", tooWide, () => plainPng({ width: 1, height: 65_500 }, 1)),
  entry("bomb-of-one-bit.png", tooWideAndEmpty, () => plainPng({ width: 60_000, height: 60_000, bitDepth: 1 }, 7500)),
  entry("bomb-behind-a-small-size.png", outcomes.bounded, () =>
    png(pngHeader(white), pngChunk("IDAT", deflateMegabytes(400)), pngChunk("IEND")),
  ),
  entry("text-chunk-bomb.png", outcomes.complete, () =>
    png(
      pngHeader(white),
      pngChunk("zTXt", Buffer.concat([Buffer.from("a\0\0"), deflateMegabytes(300)])),
      pngChunk("IDAT", whiteRows()),
      pngChunk("IEND"),
    ),
  ),
  entry("rgba-of-34-megapixels.png", outcomes.bounded, () =>
    plainPng({ width: 5900, height: 5900, colour: 6 }, 23_600),
  ),
  entry(
    "rgba-interlaced-of-90-megapixels.png",
    { textract: ["TextractJobFailed"], local: ["OutOfMemory", "PagesFailed"] },
    () => plainPng({ width: 9500, height: 9500, colour: 6, interlaced: 1 }, 38_000),
  ),
  entry("rgb-of-16-bits-90-megapixels.png", outcomes.bounded, () =>
    plainPng({ width: 9500, height: 9500, colour: 2, bitDepth: 16 }, 57_000),
  ),
];

const jpegs = [
  entry(
    "claims-65500-squared.jpg",
    tooWideAndEmpty,
    jpeg((copy, at) => {
      copy.writeUInt16BE(65_500, at + 5);
      copy.writeUInt16BE(65_500, at + 7);
    }),
  ),
  entry(
    "claims-9999-squared.jpg",
    outcomes.bounded,
    jpeg((copy, at) => {
      copy.writeUInt16BE(9999, at + 5);
      copy.writeUInt16BE(9999, at + 7);
    }),
  ),
  entry(
    "claims-to-be-tiny.jpg",
    outcomes.mendable,
    jpeg((copy, at) => {
      copy.writeUInt16BE(8, at + 5);
      copy.writeUInt16BE(8, at + 7);
    }),
  ),
  entry(
    "of-no-height.jpg",
    outcomes.corrupt,
    jpeg((copy, at) => copy.writeUInt16BE(0, at + 5)),
  ),
  entry(
    "of-255-components.jpg",
    outcomes.mendable,
    jpeg((copy, at) => copy.writeUInt8(255, at + 9)),
  ),
  entry(
    "of-17-bits.jpg",
    outcomes.pageFails,
    jpeg((copy, at) => copy.writeUInt8(17, at + 4)),
  ),
  entry(
    "arithmetic-coding.jpg",
    outcomes.pageFails,
    jpeg((copy, at) => copy.writeUInt8(0xc9, at + 1)),
  ),
  entry("without-tables.jpg", outcomes.mendable, () => {
    const whole = sample("invoice.jpg");
    return Buffer.from(
      whole.toString("latin1").replaceAll("\xff\xc4", "\xff\xe9").replaceAll("\xff\xdb", "\xff\xe9"),
      "latin1",
    );
  }),
  entry("five-thousand-comments.jpg", outcomes.corrupt, () => {
    const whole = sample("invoice.jpg");
    const comment = Buffer.from("\xff\xfe\0\x06spam", "latin1");
    return Buffer.concat([whole.subarray(0, 2), ...Array.from({ length: 5000 }, () => comment), whole.subarray(2)]);
  }),
  entry("orientation-that-does-not-exist.jpg", outcomes.complete, () => {
    const whole = sample("invoice.jpg");
    const directory = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\x7f\xff\0\0\0\0\0\x08";
    const segment = Buffer.from(`\xff\xe1\0${String.fromCharCode(directory.length + 2)}${directory}`, "latin1");
    return Buffer.concat([whole.subarray(0, 2), segment, whole.subarray(2)]);
  }),
];

const changed =
  (further, strips = [Buffer.alloc(512, 0xff)], options) =>
  () =>
    tiff([{ tags: { ...bilevelTags(64, 64), ...further }, strips }], options);
const huge = 0xffffffff;

const tiffs = [
  entry(
    "a-thousand-directories.tiff",
    { textract: ["complete"], local: ["LocalLimitExceeded"] },
    () => tiff(Array.from({ length: 1000 }, whitePicture)),
    { stack: false },
  ),
  entry("11000-directories.tiff", both("TooManyPages"), () => tiff(Array.from({ length: 11_000 }, whitePicture))),
  entry("directory-leads-to-itself.tiff", outcomes.corrupt, () =>
    tiff([whitePicture()], { last: (starts) => starts[0] }),
  ),
  entry("directories-in-a-circle.tiff", outcomes.corrupt, () =>
    tiff([whitePicture(), whitePicture(), whitePicture()], { last: (starts) => starts[1] }),
  ),
  entry("directory-past-the-end.tiff", outcomes.corrupt, () => tiff([whitePicture()], { last: () => 99_999_999 })),
  entry("directory-of-65535-tags.tiff", outcomes.corrupt, () => {
    const bytes = tiff([whitePicture()]);
    bytes.writeUInt16LE(65_535, bytes.readUInt32LE(4));
    return bytes;
  }),
  entry("strip-lies-4-gb.tiff", outcomes.mendable, changed({ 279: [huge] })),
  entry("strip-past-the-end.tiff", outcomes.mendable, changed({ 273: [huge - 5] })),
  entry("strip-of-no-bytes.tiff", outcomes.mendable, changed({ 279: [0] })),
  entry("strips-missing.tiff", outcomes.mendable, changed({}, [])),
  entry("strips-of-no-rows.tiff", outcomes.mendable, changed({ 278: [0] })),
  entry("a-million-strips.tiff", tooWide, () => {
    const many = (value) => Array(1_000_000).fill(value);
    return tiff([{ tags: { ...bilevelTags(8, 1_000_000), 278: [1], 273: many(8), 279: many(1) } }]);
  }),
  entry("of-4-billion-squared.tiff", tooWideAndEmpty, changed({ 256: [huge], 257: [huge], 278: [huge] })),
  entry("fax-of-9999-squared.tiff", outcomes.bounded, changed({ 256: [9999], 257: [9999], 259: [4], 278: [9999] })),
  entry("deflate-bomb.tiff", outcomes.bounded, () =>
    tiff([{ tags: { ...bilevelTags(9900, 9900, 8), 258: [8] }, strips: [deflateMegabytes(98, 255)] }]),
  ),
  entry("deflate-bomb-behind-a-small-size.tiff", outcomes.bounded, () =>
    tiff([{ tags: bilevelTags(64, 64, 8), strips: [deflateMegabytes(400, 255)] }]),
  ),
  entry("noise-in-lzw.tiff", outcomes.mendable, changed({ 259: [5] }, [Buffer.alloc(5000, 0x5a)])),
  entry("unknown-compression.tiff", outcomes.pageFails, changed({ 259: [34_712] })),
  entry("jpeg-without-tables.tiff", outcomes.mendable, changed({ 258: [8], 259: [7], 262: [6], 277: [3] })),
  entry("tiles-of-4-billion.tiff", outcomes.bounded, changed({ 322: [huge], 323: [huge], 324: [8], 325: [huge] }, [])),
  entry("of-64-bits-a-sample.tiff", outcomes.pageFails, changed({ 258: [64] })),
  entry("of-no-size.tiff", outcomes.corrupt, changed({ 256: [0] })),
];

const within = (folder, entries) => entries.map((one) => ({ ...one, name: `${folder}-${one.name}` }));

export const pictures = [...within("png", pngs), ...within("jpeg", jpegs), ...within("tiff", tiffs)];
