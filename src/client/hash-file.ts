import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Transform } from "node:stream";
import { DocketError } from "../contract/failures.ts";

const chunkBytes = 1024 * 1024;

export interface ContentHash {
  /** Hexadecimal. */
  sha256: string;
  /** Bytes that were read. */
  size: number;
}

/** Hashes whatever a stream or an iterable of chunks gives, holding one chunk at a time. */
export async function hashContent(chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ContentHash> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { sha256: hash.digest("hex"), size };
}

/** Hashes a file of any size. */
export function hashFile(path: string, signal?: AbortSignal): Promise<ContentHash> {
  return hashContent(createReadStream(path, { highWaterMark: chunkBytes }), signal);
}

/**
 * Passes a file's bytes on and fails at their end when they are not the bytes that were hashed before: what is stored
 * under a document's id is that document's content, or nothing is stored.
 */
export function verifyWhileReading(expected: ContentHash, shown: string): Transform {
  const hash: Hash = createHash("sha256");
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      if (hash.digest("hex") === expected.sha256) return done();
      done(new DocketError("ObjectChanged", `${shown} changed while it was being uploaded; hand it in again.`));
    },
  });
}
