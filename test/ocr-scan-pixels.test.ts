import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  clip,
  concatTransformationMatrix,
  drawObject,
  endPath,
  type PDFContext,
  PDFName,
  type PDFOperator,
  type PDFPage,
  type PDFRef,
  popGraphicsState,
  pushGraphicsState,
  rectangle,
} from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDocument } from "#docket/media/pdfium";
import { openDocumentFile } from "#docket/ocr/document-file";
import { drawPage } from "#docket/ocr/page-drawing";
import { copyScan, mayHideImages } from "#docket/ocr/page-scan";
import { mapPixels, type Picture, pictureOfProse, writePdf } from "./ocr-documents.ts";

const maxPixels = 9_000_000;
let folder: string;
let prose: Picture;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-ocr-scan-pixels-"));
  prose = await pictureOfProse(150);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of an image's dictionary. */
type Entries = NonNullable<Parameters<PDFContext["flateStream"]>[1]>;

/** In what a page differs from what scanners write. */
interface Variant {
  /** More entries of the scan's dictionary; `half` is a picture that is white in its left half. */
  entries?: (half: PDFRef) => Entries;
  /** Operators before the scan. */
  before?: PDFOperator[];
  matrix?: [number, number, number, number, number, number];
  page?: (page: PDFPage) => void;
}

/** A page of one grey scan. */
function scanOf(name: string, { entries, before = [], matrix = [612, 0, 0, 792, 0, 0], page }: Variant) {
  return writePdf(folder, `${name}.pdf`, (pdf) => {
    const { context } = pdf;
    const sheet = pdf.addPage([612, 792]);
    const half = mapPixels(prose, (_, x) => (x < prose.width / 2 ? 255 : 0));
    const scan = addGrey(context, prose, entries?.(addGrey(context, half)));
    sheet.node.setXObject(PDFName.of("Scan"), scan);
    sheet.pushOperators(pushGraphicsState(), ...before, concatTransformationMatrix(...matrix));
    sheet.pushOperators(drawObject("Scan"), popGraphicsState());
    page?.(sheet);
  });
}

function addGrey(context: PDFContext, { width, height, grey }: Picture, entries: Entries = {}): PDFRef {
  const space = { ColorSpace: "DeviceGray", BitsPerComponent: 8 };
  const image = { Type: "XObject", Subtype: "Image", Width: width, Height: height, ...space, ...entries };
  return context.register(context.flateStream(grey, image));
}

/** The page as it is recognised, and as it would be if it were always drawn; `copied`: what its image alone gives. */
async function pixelsOf(path: string) {
  const file = await openDocumentFile(path, "scan.pdf", maxPixels);
  const document = await openDocument(file.pdf, "scan.pdf");
  try {
    const hidden = mayHideImages(file.pdf);
    return document.withPage(1, (page) => {
      const size = { ...(document.pageSize(1) ?? prose), unit: file.unit, images: document.images(page) };
      const draw = (plain: boolean) =>
        Buffer.from(drawPage(document, page, size, { maxPixels, attempt: 0, quarters: undefined, plain }).file);
      const into = { ...prose, grey: new Uint8Array(prose.grey.length) };
      const copied = !hidden && copyScan(document, page, size.images, into);
      return {
        hidden,
        copied,
        same: draw(!hidden).equals(draw(false)),
        sameWithoutLook: draw(true).equals(draw(false)),
      };
    });
  } finally {
    document.close();
    file.close();
  }
}

describe("the pixels of a page that is one grey scan", () => {
  it("come from the scan itself, and are those that the page would be drawn with", async () => {
    expect(await pixelsOf(await scanOf("plain", {}))).toMatchObject({ hidden: false, copied: true, same: true });
  });

  it("are drawn where a mask or a layer may hide some of them", async () => {
    const masked = await scanOf("masked", { entries: (half) => ({ SMask: half }) });
    expect(await pixelsOf(masked)).toMatchObject({ hidden: true, same: true, sameWithoutLook: false });
    const off = await scanOf("layer", { entries: () => ({ OC: { Type: "OCG", Name: "Draft" } }) });
    expect(await pixelsOf(off)).toMatchObject({ hidden: true, same: true });
  });

  it.each<[string, Variant]>([
    ["a-negative", { entries: () => ({ Decode: [1, 0] }) }],
    ["clipped", { before: [rectangle(0, 400, 612, 392), clip(), endPath()] }],
    ["upside-down", { matrix: [612, 0, 0, -792, 0, 792] }],
    ["smaller-than-its-page", { matrix: [500, 0, 0, 647, 50, 70] }],
    ["moved-off-its-page", { matrix: [612, 0, 0, 792, 100, 0] }],
    ["larger-than-its-page", { page: (page) => page.setCropBox(0, 396, 612, 396) }],
    ["turned", { page: (page) => page.node.set(PDFName.of("Rotate"), page.doc.context.obj(180)) }],
    ["printed-over", { page: (page) => page.drawRectangle({ x: 100, y: 500, width: 300, height: 200 }) }],
  ])("are drawn where the scan is %s", async (name, variant) => {
    expect(await pixelsOf(await scanOf(name, variant))).toMatchObject({ hidden: false, copied: false, same: true });
  });
});
