import { deflateRawSync, gzipSync } from "node:zlib";
import { both, entry, outcomes, sample } from "./entry.mjs";
import { onePage, writePdf } from "./pdf-writer.mjs";
import { tiff, whitePicture } from "./picture-writers.mjs";

// Files that are not what their name says, or several things at once.

const pdf = "service-agreement.pdf";
const text = "Dear Sir or Madam, this is a letter and nothing else.\n";
const sound = () => writePdf(onePage());

/** A ZIP with one stored or deflated file in it. */
function zip(name, content, stored) {
  const data = stored ? content : deflateRawSync(content);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(stored ? 0 : 8, 8);
  head.writeUInt32LE(data.length, 18);
  head.writeUInt32LE(content.length, 22);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name, "latin1"), data]);
}

/** Bytes that look random, the same in every run. */
export function noise(length, seed = 1) {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function bigTiff() {
  const bytes = tiff([whitePicture()]);
  bytes.writeUInt16LE(43, 2);
  return bytes;
}

export const disguised = [
  entry("empty.pdf", outcomes.corrupt, () => Buffer.alloc(0)),
  entry("empty.tiff", outcomes.corrupt, () => Buffer.alloc(0)),
  entry("one-byte.jpg", outcomes.unsupported, () => Buffer.from([0xff])),
  entry("one-megabyte-of-zeros.pdf", outcomes.unsupported, () => Buffer.alloc(1_000_000)),
  entry("text.pdf", outcomes.unsupported, () => Buffer.from(text)),
  entry("text-in-utf-16.pdf", outcomes.unsupported, () => Buffer.from(`\ufeff${text}`, "utf16le")),
  entry("page-of-html.pdf", outcomes.unsupported, () => Buffer.from(`<!DOCTYPE html><title>x</title><p>${text}`)),
  entry("program.pdf", outcomes.unsupported, () => Buffer.concat([Buffer.from("\x7fELF", "latin1"), noise(5000)])),
  entry("gif.png", outcomes.unsupported, () => Buffer.from("GIF89a\x01\0\x01\0\0\0\0;", "latin1")),
  entry("webp.jpg", outcomes.unsupported, () => Buffer.from("RIFF\x24\0\0\0WEBPVP8 ", "latin1")),
  entry("photoshop.tiff", outcomes.unsupported, () => Buffer.from(`8BPS\0\x01${"\0".repeat(40)}`, "latin1")),
  entry("word-document.pdf", outcomes.unsupported, () => zip("word/document.xml", Buffer.from(text), false)),
  entry("gzipped.pdf", outcomes.unsupported, () => gzipSync(sample(pdf))),
  entry("pdf-deflated-in-a-zip.pdf", outcomes.unsupported, () => zip("a.pdf", sample(pdf), false)),
  entry("pdf-stored-in-a-zip.pdf", outcomes.mendable, () => zip("a.pdf", sample(pdf), true)),
  entry("web-page-and-pdf-at-once.pdf", outcomes.complete, () =>
    Buffer.concat([Buffer.from("<html><script>0</script><!--\n"), sound(), Buffer.from("-->")]),
  ),
  entry("mail-header-before.pdf", outcomes.complete, () =>
    Buffer.concat([Buffer.from(`Subject: a scan\r\n${"X: y\r\n".repeat(150)}`), sound()]),
  ),
  entry("two-kilobytes-before.pdf", outcomes.unsupported, () => Buffer.concat([Buffer.alloc(2048, 10), sound()])),
  entry("picture-under-a-pdf-name.pdf", outcomes.complete, () => tiff([whitePicture()])),
  entry("pdf-under-a-picture-name.png", outcomes.complete, sound),
  entry("only-a-header.pdf", outcomes.corrupt, () => Buffer.from("%PDF-1.7\n")),
  entry("header-then-noise.pdf", outcomes.corrupt, () =>
    Buffer.concat([Buffer.from("%PDF-1.7\n"), noise(1_000_000, 8)]),
  ),
  entry("header-then-30-mb-of-zeros.pdf", outcomes.corrupt, () => ({
    size: 30_000_000,
    parts: [{ offset: 0, bytes: Buffer.from("%PDF-1.7\n") }],
  })),
  entry(
    "header-then-600-mb-of-nothing.pdf",
    { textract: ["TooLarge", "Corrupt"], local: ["LocalLimitExceeded", "Corrupt"] },
    () => ({ size: 600_000_000, parts: [{ offset: 0, bytes: Buffer.from("%PDF-1.7\n") }] }),
    // Most of its time is the upload.
    { stack: false },
  ),
  entry("big-tiff.tiff", outcomes.unsupported, bigTiff),
  entry("png-signature-in-text-mode.png", outcomes.unsupported, () =>
    Buffer.concat([Buffer.from("\x89PNG\n\x1a\n", "latin1"), Buffer.alloc(100)]),
  ),
  entry("\u202efdp.\u0442\u0435\u0441\u0442 \u{1f4c4} #?%2e&.pdf", outcomes.complete, sound),
  entry("a name in \u65e5\u672c\u8a9e.pdf", outcomes.complete, () =>
    writePdf(onePage({ 6: `<</Title<feff${"65e5".repeat(30_000)}>/Author(\\376\\377\\330\\000)>>` }), {
      trailer: "/Info 6 0 R",
    }),
  ),
  entry("-rf.pdf", outcomes.complete, sound),
  entry("jpeg-and-pdf-at-once.jpg", both("Corrupt", "complete", "TextractJobFailed", "PagesFailed"), () =>
    Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0x10, 0]), sound()]),
  ),
];
