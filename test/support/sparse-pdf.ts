import type { DocumentSource } from "#docket/media/inspect-document";

/**
 * A large PDF of which only the structure exists: every page's image is a stream of zeros that is never stored, so that
 * hundreds of megabytes cost nothing. Also counts what is read of it.
 */
export interface SparsePdf extends DocumentSource {
  pages: number;
  bytesRead: number;
  requests: number;
  /** The parts that are not zeros, for writing the document into a sparse file. */
  parts: { offset: number; bytes: Buffer }[];
}

export interface SparsePdfOptions {
  pages: number;
  /** Bytes of each page's image. */
  imageBytes: number;
  /** Page objects between the images, as scanners write them, or all together at the end. */
  scattered: boolean;
}

export function createSparsePdf(options: SparsePdfOptions): SparsePdf {
  const parts: SparsePdf["parts"] = [];
  const offsets: number[] = [];
  let size = 0;
  const write = (text: string) => {
    const bytes = Buffer.from(text, "latin1");
    parts.push({ offset: size, bytes });
    size += bytes.length;
  };
  const object = (number: number, body: string) => {
    offsets[number] = size;
    write(`${number} 0 obj\n${body}\nendobj\n`);
  };

  const pageNumber = (page: number) => 3 + page * 2;
  const writePage = (page: number) => {
    const image = pageNumber(page) + 1;
    const resources = `<< /XObject << /Im ${image} 0 R >> >>`;
    object(pageNumber(page), `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources ${resources} >>`);
  };

  write("%PDF-1.4\n");
  for (let page = 0; page < options.pages; page++) {
    const number = pageNumber(page) + 1;
    offsets[number] = size;
    const dict = "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8";
    write(`${number} 0 obj\n${dict} /Length ${options.imageBytes} >>\nstream\n`);
    size += options.imageBytes;
    write("\nendstream\nendobj\n");
    if (options.scattered) writePage(page);
  }
  if (!options.scattered) for (let page = 0; page < options.pages; page++) writePage(page);
  object(1, "<< /Type /Catalog /Pages 2 0 R >>");
  const kids = Array.from({ length: options.pages }, (_, page) => `${pageNumber(page)} 0 R`).join(" ");
  object(2, `<< /Type /Pages /Count ${options.pages} /Kids [${kids}] >>`);

  const count = 3 + options.pages * 2;
  const start = size;
  const rows = ["0000000000 65535 f \n"];
  for (let number = 1; number < count; number++) {
    rows.push(`${String(offsets[number]).padStart(10, "0")} 00000 n \n`);
  }
  write(`xref\n0 ${count}\n${rows.join("")}trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`);

  return {
    size,
    pages: options.pages,
    parts,
    bytesRead: 0,
    requests: 0,
    async read(offset, length) {
      this.bytesRead += length;
      this.requests += 1;
      const bytes = new Uint8Array(length);
      for (const part of parts) {
        const from = Math.max(offset, part.offset);
        const to = Math.min(offset + length, part.offset + part.bytes.length);
        if (from < to) bytes.set(part.bytes.subarray(from - part.offset, to - part.offset), from - offset);
      }
      return bytes;
    },
  };
}
