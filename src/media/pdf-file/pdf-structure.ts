import type { SyncByteSource } from "../pdfium.ts";
import { type CrossReference, parseObject, readCrossReference, readRange, reference } from "./cross-reference.ts";
import { PdfParser, PdfSyntaxError } from "./parser.ts";
import { decodeStream } from "./stream-data.ts";
import { type StructureLimits, usualLimits } from "./structure-limits.ts";
import { integer, type PdfDictionary, PdfReference, type PdfValue } from "./values.ts";

/** A page as it stands in the file. */
export interface PdfPage {
  reference: PdfReference;
  dictionary: PdfDictionary;
  /** Its own or inherited resources, resolved. */
  resources: PdfDictionary;
}

const pageLimit = 20_000;
const treeDepth = 64;
const cachedStreams = 4;

/**
 * The structure of a PDF file: its objects and pages, as far as an update needs them. Nothing is repaired here: a file
 * that does not keep to the format is refused, and its owner decides.
 */
export class PdfStructure {
  readonly crossReference: CrossReference;
  readonly #source: SyncByteSource;
  readonly #objectStreams = new Map<number, { bytes: Buffer; offsets: Map<number, number> }>();

  readonly #limits: StructureLimits;

  /** @throws {PdfSyntaxError} */
  constructor(source: SyncByteSource, limits: StructureLimits = usualLimits) {
    this.#source = source;
    this.#limits = limits;
    this.crossReference = readCrossReference(source, limits);
  }

  get encrypted(): boolean {
    return this.crossReference.trailer.has("Encrypt");
  }

  /** Follows references to their value; null for an object that is not there. @throws {PdfSyntaxError} */
  resolve(value: PdfValue | undefined): PdfValue {
    let found = value ?? null;
    for (let hops = 0; found instanceof PdfReference; hops++) {
      if (hops > 20) throw new PdfSyntaxError("references in a circle");
      found = this.#object(found);
    }
    return found;
  }

  /** {@link resolve} for what must be a dictionary; an empty one where there is nothing. */
  dictionary(value: PdfValue | undefined): PdfDictionary {
    const found = this.resolve(value);
    if (found === null) return new Map();
    if (found instanceof Map) return found;
    throw new PdfSyntaxError("a dictionary was expected");
  }

  /** The pages in their order. @throws {PdfSyntaxError} */
  *pages(): Generator<PdfPage> {
    const catalog = this.dictionary(this.crossReference.trailer.get("Root"));
    const seen = new Set<number>();
    const stack = [{ kids: [catalog.get("Pages") ?? null], next: 0, resources: undefined as PdfValue | undefined }];
    for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
      const kid = level.kids[level.next++];
      if (kid === undefined) {
        stack.pop();
        continue;
      }
      const own = reference(kid, "a page");
      if (seen.has(own.number)) throw new PdfSyntaxError("a page tree that is not a tree");
      seen.add(own.number);
      if (seen.size > pageLimit || stack.length > treeDepth) throw new PdfSyntaxError("a page tree without end");
      const dictionary = this.dictionary(own);
      const resources = dictionary.get("Resources") ?? level.resources;
      const kids = this.resolve(dictionary.get("Kids"));
      if (Array.isArray(kids)) stack.push({ kids, next: 0, resources });
      else yield { reference: own, dictionary, resources: this.dictionary(resources) };
    }
  }

  #object({ number, generation }: PdfReference): PdfValue {
    const place = this.crossReference.places.get(number);
    if (place === undefined) return null;
    if ("stream" in place) return this.#compressed(number, place.stream);
    const object = parseObject(this.#source, place.offset, this.#limits);
    if (object.number !== number || object.generation !== generation) {
      throw new PdfSyntaxError("another object than the cross references say");
    }
    return object.value;
  }

  /** An object inside an object stream (ISO 32000-1, 7.5.7). */
  #compressed(number: number, stream: number): PdfValue {
    let opened = this.#objectStreams.get(stream);
    if (opened === undefined) {
      opened = this.#openObjectStream(stream);
      this.#objectStreams.set(stream, opened);
      if (this.#objectStreams.size > cachedStreams) {
        for (const oldest of this.#objectStreams.keys()) {
          this.#objectStreams.delete(oldest);
          break;
        }
      }
    }
    const offset = opened.offsets.get(number);
    if (offset === undefined) throw new PdfSyntaxError("an object that its stream does not hold");
    return new PdfParser(opened.bytes, offset).value();
  }

  #openObjectStream(number: number): { bytes: Buffer; offsets: Map<number, number> } {
    const place = this.crossReference.places.get(number);
    if (place === undefined || "stream" in place) throw new PdfSyntaxError("an object stream that is not there");
    const { value: entries, dataOffset } = parseObject(this.#source, place.offset, this.#limits);
    if (!(entries instanceof Map) || dataOffset === undefined) throw new PdfSyntaxError("no object stream");
    const length = integer(this.resolve(entries.get("Length")));
    const first = integer(entries.get("First"));
    const count = integer(entries.get("N"));
    if (length === undefined || first === undefined || count === undefined)
      throw new PdfSyntaxError("no object stream");
    // Padded, so that the last value is seen to end.
    const data = decodeStream(entries, readRange(this.#source, dataOffset, length), this.#limits);
    const bytes = Buffer.concat([data, Buffer.alloc(32, " ")]);
    const parser = new PdfParser(bytes);
    const offsets = new Map<number, number>();
    for (let i = 0; i < count; i++) offsets.set(Number(parser.word()), first + Number(parser.word()));
    return { bytes, offsets };
  }
}
