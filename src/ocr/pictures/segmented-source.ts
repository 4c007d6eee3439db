import type { SyncByteSource } from "../../media/pdfium.ts";

/** A run of bytes: in memory, or a range of another source that is read when it is asked for. */
export type Segment = { bytes: Uint8Array } | FileSegment;

/** A range of another source. */
export interface FileSegment {
  source: SyncByteSource;
  offset: number;
  length: number;
  /** Changes the bytes in place after reading; each byte (or aligned pair of bytes) by itself. */
  transform?: "reverse-bits" | "swap-pairs";
}

export function segmentLength(segment: Segment): number {
  return "bytes" in segment ? segment.bytes.length : segment.length;
}

/** Segments, one after the other, as one source. */
export class SegmentedSource implements SyncByteSource {
  readonly size: number;
  readonly #segments: readonly Segment[];
  readonly #starts: number[] = [];

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
    let size = 0;
    for (const segment of segments) {
      this.#starts.push(size);
      size += segmentLength(segment);
    }
    this.size = size;
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.size) throw new RangeError("A read beyond the end of the source.");
    let index = this.#indexAt(offset);
    for (let done = 0; done < into.length; index++) {
      const segment = this.#segments[index] as Segment;
      const from = offset + done - (this.#starts[index] as number);
      const length = Math.min(segmentLength(segment) - from, into.length - done);
      readSegment(segment, from, into.subarray(done, done + length));
      done += length;
    }
  }

  /** The segment that holds a byte, by halving. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function readSegment(segment: Segment, from: number, into: Uint8Array): void {
  if ("bytes" in segment) {
    into.set(segment.bytes.subarray(from, from + into.length));
    return;
  }
  if (segment.transform === "swap-pairs") {
    readSwapped(segment, from, into);
    return;
  }
  segment.source.read(segment.offset + from, into);
  if (segment.transform === "reverse-bits") {
    for (const [i, byte] of into.entries()) into[i] = reversed[byte] as number;
  }
}

/** A read may begin or end in the middle of a pair: it is widened to whole pairs. */
function readSwapped(segment: FileSegment, from: number, into: Uint8Array): void {
  const start = from & ~1;
  const end = Math.min(segment.length, (from + into.length + 1) & ~1);
  const pairs = Buffer.alloc(end - start);
  segment.source.read(segment.offset + start, pairs);
  pairs.subarray(0, pairs.length & ~1).swap16();
  into.set(pairs.subarray(from - start, from - start + into.length));
}

const reversed = Uint8Array.from({ length: 256 }, (_, byte) => {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) result |= 0x80 >> bit;
  return result;
});
