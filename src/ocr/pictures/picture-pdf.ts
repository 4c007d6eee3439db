import type { DocketError } from "../../contract/failures.ts";
import type { SyncByteSource } from "../../media/pdfium.ts";
import { type Segment, SegmentedSource, segmentLength } from "./segmented-source.ts";

/** Adds a stream object to the PDF; returns the reference to it. */
export type AddStream = (entries: string, data: Uint8Array) => string;

/** A part of a picture (a strip, a tile, or all of it) whose data a PDF can hold as they are. */
export interface PicturePart {
  /** Pixels. */
  width: number;
  height: number;
  /** Pixels from the picture's top left corner. */
  x: number;
  y: number;
  /** Size on the page, pixels, where the data are coarser than that. */
  drawn?: { width: number; height: number };
  /** Entries of the PDF image dictionary that say how the data are coded (ISO 32000-1, 8.9.5 and 7.4). */
  coding: string | ((addStream: AddStream) => string);
  data: readonly Segment[];
}

/** A picture that is a page on its own. */
export interface PicturePage {
  /** Pixels, as stored. */
  width: number;
  height: number;
  /** EXIF and TIFF orientation, 1-8; 1: as stored. */
  orientation: number;
  /** What is wrong with it where it can be shown as far as it goes, but not be read as if that were all. */
  damage?: DocketError | null;
  parts: readonly PicturePart[];
}

/** Clockwise turn and mirroring (before the turn) that show a picture upright, by its orientation value. */
const uprightBy: Record<number, { rotate: number; mirrored: boolean }> = {
  2: { rotate: 0, mirrored: true },
  3: { rotate: 180, mirrored: false },
  4: { rotate: 180, mirrored: true },
  5: { rotate: 270, mirrored: true },
  6: { rotate: 90, mirrored: false },
  7: { rotate: 90, mirrored: true },
  8: { rotate: 270, mirrored: false },
};

/**
 * Pictures as the pages of a PDF, one pixel a point, so that pdfium decodes, turns and scales them like everything
 * else. The PDF exists as a source only: its image data are ranges of the pictures' own file, read when they are
 * needed and never copied.
 */
export function pdfOfPictures(pages: readonly PicturePage[]): SyncByteSource {
  const writer = new PdfWriter();
  const root = writer.reserve();
  const tree = writer.reserve();
  const kids = pages.map((page) => writePage(writer, page, tree));
  writer.write(tree, `<</Type/Pages/Count ${kids.length}/Kids[${kids.map((kid) => `${kid} 0 R`).join(" ")}]>>`);
  writer.write(root, `<</Type/Catalog/Pages ${tree} 0 R>>`);
  return writer.finish(root);
}

function writePage(writer: PdfWriter, page: PicturePage, tree: number): number {
  const { rotate, mirrored } = uprightBy[page.orientation] ?? { rotate: 0, mirrored: false };
  const addStream = (entries: string, data: Uint8Array) => {
    const object = writer.reserve();
    writer.write(object, entries, [{ bytes: data }]);
    return `${object} 0 R`;
  };
  const names: string[] = [];
  let content = mirrored ? `-1 0 0 1 ${page.width} 0 cm\n` : "";
  for (const [i, part] of page.parts.entries()) {
    const image = writer.reserve();
    const coding = typeof part.coding === "string" ? part.coding : part.coding(addStream);
    const entries = `/Type/XObject/Subtype/Image/Width ${part.width}/Height ${part.height}${coding}`;
    writer.write(image, entries, part.data);
    names.push(`/P${i} ${image} 0 R`);
    const { width, height } = part.drawn ?? part;
    const bottom = page.height - part.y - height;
    content += `q ${width} 0 0 ${height} ${part.x} ${bottom} cm /P${i} Do Q\n`;
  }
  const contents = writer.reserve();
  writer.write(contents, "", [{ bytes: Buffer.from(content, "latin1") }]);
  const own = writer.reserve();
  const box = `/MediaBox[0 0 ${page.width} ${page.height}]/Rotate ${rotate}`;
  const resources = `/Resources<</XObject<<${names.join("")}>>>>`;
  writer.write(own, `<</Type/Page/Parent ${tree} 0 R${box}${resources}/Contents ${contents} 0 R>>`);
  return own;
}

/** Writes objects in the file structure of PDF 1.4: body, cross-reference table, trailer. */
class PdfWriter {
  readonly #segments: Segment[] = [];
  readonly #offsets: number[] = [];
  #size = 0;

  constructor() {
    this.#text("%PDF-1.4\n");
  }

  reserve(): number {
    return this.#offsets.push(0);
  }

  /** @param value the object; with `stream`, the entries of its dictionary */
  write(object: number, value: string, stream?: readonly Segment[]): void {
    this.#offsets[object - 1] = this.#size;
    if (stream === undefined) {
      this.#text(`${object} 0 obj ${value} endobj\n`);
      return;
    }
    const length = stream.reduce((sum, segment) => sum + segmentLength(segment), 0);
    this.#text(`${object} 0 obj <<${value}/Length ${length}>> stream\n`);
    for (const segment of stream) this.#add(segment);
    this.#text("\nendstream endobj\n");
  }

  finish(root: number): SegmentedSource {
    const start = this.#size;
    const entries = this.#offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
    const size = this.#offsets.length + 1;
    this.#text(`xref\n0 ${size}\n0000000000 65535 f \n${entries}`);
    this.#text(`trailer <</Size ${size}/Root ${root} 0 R>>\nstartxref\n${start}\n%%EOF\n`);
    return new SegmentedSource(this.#segments);
  }

  #text(text: string): void {
    this.#add({ bytes: Buffer.from(text, "latin1") });
  }

  #add(segment: Segment): void {
    this.#segments.push(segment);
    this.#size += segmentLength(segment);
  }
}
