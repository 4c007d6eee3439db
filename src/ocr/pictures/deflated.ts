import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

/** The header of a zlib stream (RFC 1950). Its checksum at the end is not asked for: some writers get that wrong. */
const headerBytes = 2;

/** Of what is inflated; in the usual 16 KiB a large image takes several times as long. Bytes. */
const chunkSize = 1 << 20;

/** An image's compressed data, and how many bytes its pixels need at least. */
export interface Deflated {
  data: Uint8Array;
  needed: number;
}

/** Whether compressed data break off, or cannot be read on, before the image has what it needs. */
export async function isBrokenDeflate({ data, needed }: Deflated): Promise<boolean> {
  let bytes = 0;
  try {
    await pipeline(
      Readable.from(pieces(data)),
      createInflateRaw({ chunkSize }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes >= needed) return;
        }
      },
    );
  } catch {
    // It is no compressed data from here on, or the rest was not wanted.
    return bytes < needed;
  }
  return false;
}

function* pieces(data: Uint8Array): Generator<Uint8Array> {
  for (let at = headerBytes; at < data.length; at += 65_536) yield data.subarray(at, at + 65_536);
}
