import { PDFDocument, PDFName } from "pdf-lib";
import { smallPdf } from "./small-pdf.ts";

/** A {@link smallPdf} over some of whose pages lies a picture that nobody can decode: these pages cannot be read. */
export async function damagedPdf(name: string, pages: number, damaged: readonly number[]): Promise<Uint8Array> {
  const pdf = await PDFDocument.load(await smallPdf(name, pages), { updateMetadata: false });
  const { context } = pdf;
  const size = { Width: 1700, Height: 2200, ColorSpace: "DeviceRGB", BitsPerComponent: 8 };
  const entries = { Type: "XObject", Subtype: "Image", ...size, Filter: "JPXDecode" };
  for (const number of damaged) {
    const { node } = pdf.getPage(number - 1);
    node.setXObject(PDFName.of("Scan"), context.register(context.stream(Buffer.alloc(1000, number), entries)));
    node.addContentStream(context.register(context.stream("q 595 0 0 300 0 0 cm /Scan Do Q")));
  }
  return pdf.save();
}
