import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflate } from "node:zlib";
import { DocketError } from "../../contract/failures.ts";
import { bitsPerPixel, type PngHeader } from "./png-header.ts";
import { type Segment, SegmentedSource } from "./segmented-source.ts";

/**
 * Hands over a PNG's rows, uncompressed, piece by piece as far as they go: data that were cut off just end.
 * @throws {DocketError} `Corrupt` when they are no zlib stream
 */
export async function inflatePng(header: PngHeader, name: string, take: (chunk: Buffer) => void): Promise<void> {
  try {
    await pipeline(Readable.from(pieces(header.data)), createInflate(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) take(chunk);
    });
  } catch (error) {
    const cutOff = (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR";
    if (!cutOff) throw new DocketError("Corrupt", `${name} is a PNG whose data are damaged.`, { cause: error });
  }
}

/** Whether a picture that is not interlaced has all of its rows. @throws {DocketError} `Corrupt` */
export async function hasAllRows(header: PngHeader, name: string): Promise<boolean> {
  let missing = header.height * (1 + Math.ceil((header.width * bitsPerPixel(header)) / 8));
  await inflatePng(header, name, (chunk) => {
    missing -= chunk.length;
  });
  return missing <= 0;
}

/** Whether the data are what was written, by the sum behind each chunk; one that was cut off has none, and is passed. */
export function hasRightSums({ data }: PngHeader): boolean {
  return data.every(({ source, offset, length }) => {
    if (offset + length + 4 > source.size) return true;
    let sum = crc32("IDAT");
    for (const piece of pieces([{ source, offset, length }])) sum = crc32(piece, sum);
    const written = Buffer.alloc(4);
    source.read(offset + length, written);
    return written.readUInt32BE(0) === sum;
  });
}

function* pieces(data: readonly Segment[]): Generator<Uint8Array> {
  const source = new SegmentedSource(data);
  for (let offset = 0; offset < source.size; offset += 65_536) {
    const piece = new Uint8Array(Math.min(65_536, source.size - offset));
    source.read(offset, piece);
    yield piece;
  }
}
