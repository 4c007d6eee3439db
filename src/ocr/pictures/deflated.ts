import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createInflateRaw } from "node:zlib";

/** The header of a zlib stream (RFC 1950). Its checksum at the end is not asked for: some writers get that wrong. */
const headerBytes = 2;

/**
 * Of what is inflated: where an error follows, zlib throws away the chunk that it had begun, so that it is to be small
 * against what may be missing; in the usual 16 KiB a large image takes several times as long. Part of the image; bytes.
 */
const chunkPart = 1 / 256;
const mostChunk = 2 ** 20;

/** An image's compressed data, and from how many bytes to how many its pixels may have, one range for each way to see them. */
export interface Deflated {
  data: Uint8Array;
  sizes: readonly { least: number; most: number }[];
}

/** Whether compressed data break off, or cannot be read on, where no image of these sizes ends. */
export async function isBrokenDeflate({ data, sizes }: Deflated): Promise<boolean> {
  const enough = Math.max(...sizes.map(({ least }) => least));
  const chunkSize = Math.min(mostChunk, Math.max(constants.Z_MIN_CHUNK, Math.floor(enough * chunkPart)));
  let bytes = 0;
  try {
    await pipeline(
      Readable.from(pieces(data)),
      createInflateRaw({ chunkSize }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes >= enough) return;
        }
      },
    );
  } catch {
    // It is no compressed data from here on, or the rest was not wanted.
    return bytes < enough && !sizes.some(({ least, most }) => bytes >= least && bytes <= most);
  }
  return false;
}

function* pieces(data: Uint8Array): Generator<Uint8Array> {
  for (let at = headerBytes; at < data.length; at += 65_536) yield data.subarray(at, at + 65_536);
}
