import { both, entry, outcomes, sample } from "./entry.mjs";

// Sound documents of the samples, cut off or overwritten.

/** The first `share` of a file; below zero: less so many bytes at its end. */
function cut(name, share) {
  const whole = sample(name);
  return whole.subarray(0, share < 0 ? whole.length + share : Math.floor(whole.length * share));
}

/** A file with single bits turned over, the same in every run. */
function flip(name, count, seed) {
  const copy = Buffer.from(sample(name));
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The first bytes say what the file is: those stay.
    const at = 16 + (state % (copy.length - 16));
    copy[at] ^= 1 << (state >>> 29);
  }
  return copy;
}

/** A file in which a run of bytes is overwritten. */
function overwrite(name, from, to, value = 0) {
  const copy = Buffer.from(sample(name));
  return copy.fill(value, Math.floor(copy.length * from), Math.floor(copy.length * to));
}

const pdf = "service-agreement.pdf";
const corruptOrUnsupported = both("Corrupt", "UnsupportedMedia");
/** A picture of which a part is missing is read as far as it goes; a decoder may as well refuse it. */
const picture = outcomes.mendable;
// Each page is a picture of its own: one of them may fail alone.
const pictures = { ...picture, textract: [...picture.textract, "PagesFailed"] };

export const damaged = [
  entry("cut-after-4-bytes.pdf", corruptOrUnsupported, () => sample(pdf).subarray(0, 4)),
  entry("cut-after-8-bytes.pdf", outcomes.corrupt, () => sample(pdf).subarray(0, 8)),
  entry("cut-at-1-percent.pdf", outcomes.corrupt, () => cut(pdf, 0.01)),
  entry("cut-at-10-percent.pdf", outcomes.mendable, () => cut(pdf, 0.1)),
  entry("cut-at-25-percent.pdf", outcomes.mendable, () => cut(pdf, 0.25)),
  entry("cut-at-50-percent.pdf", outcomes.mendable, () => cut(pdf, 0.5)),
  entry("cut-at-75-percent.pdf", outcomes.mendable, () => cut(pdf, 0.75)),
  entry("cut-at-90-percent.pdf", outcomes.mendable, () => cut(pdf, 0.9)),
  entry("cut-at-99-percent.pdf", outcomes.mendable, () => cut(pdf, 0.99)),
  entry("without-its-last-byte.pdf", outcomes.complete, () => cut(pdf, -1)),
  entry("without-startxref.pdf", outcomes.mendable, () => cut(pdf, -20)),
  entry("one-bit-flipped.pdf", outcomes.mendable, () => flip(pdf, 1, 1)),
  entry("10-bits-flipped.pdf", outcomes.mendable, () => flip(pdf, 10, 2)),
  entry("100-bits-flipped.pdf", outcomes.mendable, () => flip(pdf, 100, 3)),
  entry("1000-bits-flipped.pdf", outcomes.mendable, () => flip(pdf, 1000, 4)),
  entry("middle-zeroed.pdf", outcomes.mendable, () => overwrite(pdf, 0.4, 0.6)),
  entry("end-zeroed.pdf", outcomes.mendable, () => overwrite(pdf, 0.8, 1)),
  entry("end-of-spaces.pdf", outcomes.mendable, () => Buffer.concat([sample(pdf), Buffer.alloc(200_000, 32)])),
  entry("twice-in-one-file.pdf", outcomes.complete, () => Buffer.concat([sample(pdf), sample(pdf)])),

  entry("cut-in-its-header.png", outcomes.corrupt, () => sample("court-order.png").subarray(0, 20)),
  entry("cut-after-its-header.png", outcomes.corrupt, () => sample("court-order.png").subarray(0, 33)),
  entry("cut-at-half.png", picture, () => cut("court-order.png", 0.5)),
  entry("bits-flipped.png", picture, () => flip("court-order.png", 50, 5)),

  entry("cut-after-3-bytes.jpg", outcomes.corrupt, () => sample("invoice.jpg").subarray(0, 3)),
  entry("cut-before-its-size.jpg", outcomes.corrupt, () => sample("invoice.jpg").subarray(0, 100)),
  entry("cut-at-half.jpg", picture, () => cut("invoice.jpg", 0.5)),
  entry("bits-flipped.jpg", picture, () => flip("invoice.jpg", 50, 6)),

  entry("cut-after-8-bytes.tiff", outcomes.corrupt, () => sample("deposition-300dpi.tiff").subarray(0, 8)),
  entry("cut-at-half.tiff", pictures, () => cut("deposition-300dpi.tiff", 0.5)),
  entry("bits-flipped.tiff", pictures, () => flip("deposition-300dpi.tiff", 50, 7)),
];
