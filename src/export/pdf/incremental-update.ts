import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { deflateSync } from "node:zlib";
import type { CrossReference } from "../../media/pdf-file/cross-reference.ts";
import {
  integer,
  type PdfDictionary,
  PdfName,
  PdfNumber,
  PdfReference,
  PdfString,
  serialize,
} from "../../media/pdf-file/values.ts";

interface Written {
  offset: number;
  generation: number;
}

/**
 * Appends an update to a PDF file (ISO 32000-1, 7.5.6): what is there stays as it is, byte for byte; objects that are
 * written again, and new ones, follow, and cross references that lead to them. Nothing is kept in memory but where each
 * object begins.
 */
export class IncrementalUpdate {
  readonly #file: number;
  readonly #before: CrossReference;
  readonly #written = new Map<number, Written>();
  #offset: number;
  #next: number;

  /** @param path of the file, which is changed from now on */
  constructor(path: string, before: CrossReference) {
    this.#file = openSync(path, "a");
    this.#before = before;
    this.#offset = fstatSync(this.#file).size;
    const size = integer(before.trailer.get("Size")) ?? 0;
    // A file may have more objects than it says.
    this.#next = [...before.places.keys()].reduce((most, number) => Math.max(most, number + 1), size);
  }

  reserve(): PdfReference {
    return new PdfReference(this.#next++);
  }

  write({ number, generation }: PdfReference, dictionary: PdfDictionary): void {
    this.#begin(number, generation);
    this.#append(`${number} ${generation} obj\n${serialize(dictionary)}\nendobj\n`);
  }

  /** Writes a stream; `compressed` data are taken as Flate data. */
  writeStream(
    target: PdfReference,
    data: Buffer | string,
    options: { entries?: PdfDictionary; compressed?: boolean } = {},
  ) {
    const flate = options.compressed ? (data as Buffer) : deflateSync(data);
    const entries = new Map(options.entries);
    entries.set("Filter", new PdfName("FlateDecode")).set("Length", new PdfNumber(flate.length));
    this.#begin(target.number, target.generation);
    this.#append(`${target.number} ${target.generation} obj\n${serialize(entries)}\nstream\n`);
    this.#append(flate);
    this.#append("\nendstream\nendobj\n");
  }

  has({ number }: PdfReference): boolean {
    return this.#written.has(number);
  }

  /** Writes the cross references. The file is whole only after this. */
  finish(): void {
    const trailer: PdfDictionary = new Map();
    for (const key of ["Root", "Info"]) {
      const value = this.#before.trailer.get(key);
      if (value !== undefined) trailer.set(key, value);
    }
    const id = this.#before.trailer.get("ID");
    if (Array.isArray(id) && id[0] instanceof PdfString) {
      // The second half names this version of the file; the same export names it the same.
      const version = createHash("md5")
        .update(`${serialize(id)} ${this.#offset}`)
        .digest("hex");
      trailer.set("ID", [id[0], new PdfString(`<${version}>`)]);
    }
    trailer.set("Prev", new PdfNumber(this.#before.start));
    const start = this.#before.isStream ? this.#finishWithStream(trailer) : this.#finishWithTable(trailer);
    this.#append(`startxref\n${start}\n%%EOF\n`);
  }

  close(): void {
    closeSync(this.#file);
  }

  #finishWithTable(trailer: PdfDictionary): number {
    const start = this.#offset;
    let table = "xref\n";
    for (const run of this.#runs()) {
      table += `${run[0]?.[0]} ${run.length}\n`;
      for (const [, { offset, generation }] of run) {
        table += `${String(offset).padStart(10, "0")} ${String(generation).padStart(5, "0")} n \n`;
      }
    }
    trailer.set("Size", new PdfNumber(this.#next));
    this.#append(`${table}trailer\n${serialize(trailer)}\n`);
    return start;
  }

  #finishWithStream(trailer: PdfDictionary): number {
    const own = this.reserve();
    this.#begin(own.number, 0);
    const start = this.#offset;
    const runs = this.#runs();
    const rows = Buffer.alloc(8 * this.#written.size);
    let at = 0;
    for (const [, { offset, generation }] of runs.flat()) {
      rows.writeUInt8(1, at);
      rows.writeUIntBE(offset, at + 1, 5);
      rows.writeUInt16BE(generation, at + 6);
      at += 8;
    }
    trailer.set("Type", new PdfName("XRef")).set("Size", new PdfNumber(this.#next));
    trailer.set(
      "W",
      [1, 5, 2].map((width) => new PdfNumber(width)),
    );
    trailer.set(
      "Index",
      runs.flatMap((run) => [new PdfNumber(run[0]?.[0] ?? 0), new PdfNumber(run.length)]),
    );
    this.writeStream(own, rows, { entries: trailer });
    return start;
  }

  /** What was written, in runs of object numbers without a gap. */
  #runs(): [number, Written][][] {
    const runs: [number, Written][][] = [];
    for (const entry of [...this.#written].sort(([a], [b]) => a - b)) {
      const run = runs.at(-1);
      if (run !== undefined && (run.at(-1)?.[0] ?? 0) + 1 === entry[0]) run.push(entry);
      else runs.push([entry]);
    }
    return runs;
  }

  #begin(number: number, generation: number): void {
    // The file may end without a line feed; nothing at all is appended to one that is not changed.
    if (this.#written.size === 0) this.#append("\n");
    this.#written.set(number, { offset: this.#offset, generation });
  }

  #append(data: Buffer | string): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    this.#offset += bytes.length;
  }
}
