import { type PdfDictionary, PdfName, PdfNumber, PdfReference, PdfString, type PdfValue } from "./values.ts";

/** Something that is not the PDF syntax of ISO 32000-1: the file is damaged, or of a kind that readers merely put up with. */
export class PdfSyntaxError extends Error {}

/** The bytes end in the middle of a value: more of the file may hold the rest. */
export class PdfEndError extends PdfSyntaxError {}

const nesting = 100;
const space = new Set([0, 9, 10, 12, 13, 32]);
const delimiters = new Set(Array.from("()<>[]{}/%", (character) => character.charCodeAt(0)));

/** Reads values from bytes, one after the other (ISO 32000-1, 7.2 and 7.3). */
export class PdfParser {
  readonly #bytes: Buffer;
  /** Where the next value is looked for. */
  position: number;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.position = position;
  }

  /** @throws {PdfSyntaxError}; {@link PdfEndError} where the bytes end too early */
  value(depth = 0): PdfValue {
    if (depth > nesting) throw new PdfSyntaxError("values are nested too deeply");
    this.skipSpace();
    const start = this.position;
    switch (this.#byte(start)) {
      case 0x2f: // a name
        return this.#name();
      case 0x28: // a string in parentheses
        return this.#literalString();
      case 0x5b: // an array
        return this.#array(depth);
      case 0x3c: // a dictionary, or a string of hexadecimal digits
        return this.#byte(start + 1) === 0x3c ? this.#dictionary(depth) : this.#hexString();
    }
    const word = this.word();
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    if (!/^[+-]*\d*\.?\d*$/.test(word) || !/\d/.test(word)) throw new PdfSyntaxError(`unexpected ${word.slice(0, 20)}`);
    return /^\d+$/.test(word) ? this.#numberOrReference(word) : new PdfNumber(word);
  }

  /** The next run of regular characters. */
  word(): string {
    this.skipSpace();
    const start = this.position;
    while (!this.#isBoundary(this.#byte(this.position))) this.position += 1;
    if (this.position === start) throw new PdfSyntaxError("a delimiter where a word was expected");
    return this.#bytes.toString("latin1", start, this.position);
  }

  skipSpace(): void {
    for (;;) {
      const byte = this.#byte(this.position);
      if (byte === 0x25) {
        while (![10, 13].includes(this.#byte(this.position))) this.position += 1;
      } else if (!space.has(byte)) {
        return;
      }
      this.position += 1;
    }
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new PdfEndError("the bytes end in the middle of a value");
    return byte;
  }

  #isBoundary(byte: number): boolean {
    return space.has(byte) || delimiters.has(byte);
  }

  #numberOrReference(first: string): PdfNumber | PdfReference {
    const after = this.position;
    const [, generation, end] =
      /^\s+(\d{1,5})\s+R(?![^\s()<>[\]{}/%])()/.exec(this.#bytes.toString("latin1", after, after + 24)) ?? [];
    if (generation === undefined || end === undefined) {
      // Too near the end to tell whether a reference follows.
      if (after + 24 > this.#bytes.length) throw new PdfEndError("a number at the end of the bytes");
      return new PdfNumber(first);
    }
    this.position = this.#bytes.indexOf("R", after, "latin1") + 1;
    return new PdfReference(Number(first), Number(generation));
  }

  #name(): PdfName {
    const start = this.position + 1;
    this.position = start;
    while (!this.#isBoundary(this.#byte(this.position))) this.position += 1;
    const raw = this.#bytes.toString("latin1", start, this.position);
    return new PdfName(raw.replace(/#([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))));
  }

  #literalString(): PdfString {
    const start = this.position;
    let open = 0;
    do {
      const byte = this.#byte(this.position);
      if (byte === 0x5c) this.position += 1;
      else if (byte === 0x28) open += 1;
      else if (byte === 0x29) open -= 1;
      this.position += 1;
    } while (open > 0);
    return new PdfString(this.#bytes.toString("latin1", start, this.position));
  }

  #hexString(): PdfString {
    const end = this.#bytes.indexOf(">", this.position, "latin1");
    if (end < 0) throw new PdfEndError("a string without end");
    const raw = this.#bytes.toString("latin1", this.position, end + 1);
    this.position = end + 1;
    return new PdfString(raw);
  }

  #array(depth: number): PdfValue[] {
    const values: PdfValue[] = [];
    this.position += 1;
    for (;;) {
      this.skipSpace();
      if (this.#byte(this.position) === 0x5d) break;
      values.push(this.value(depth + 1));
    }
    this.position += 1;
    return values;
  }

  #dictionary(depth: number): PdfDictionary {
    const entries: PdfDictionary = new Map();
    this.position += 2;
    for (;;) {
      this.skipSpace();
      if (this.#byte(this.position) === 0x3e) break;
      const key = this.value(depth + 1);
      if (!(key instanceof PdfName)) throw new PdfSyntaxError("a dictionary's key is no name");
      entries.set(key.name, this.value(depth + 1));
    }
    if (this.#byte(this.position + 1) !== 0x3e) throw new PdfSyntaxError("a dictionary does not end");
    this.position += 2;
    return entries;
  }
}
