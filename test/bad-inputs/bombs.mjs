import { constants, deflateRawSync } from "node:zlib";

const adlerBase = 65_521;

/** Adler-32 of one block, as its two halves. */
function adler(block) {
  let [a, b] = [1, 0];
  for (const byte of block) {
    a = (a + byte) % adlerBase;
    b = (b + a) % adlerBase;
  }
  return { a, b };
}

/**
 * A zlib stream that inflates to `count` times the same block. The block is deflated once only, so that a gigabyte is
 * made in no time and in no memory.
 */
export function deflateRepeated(block, count) {
  const once = deflateRawSync(block, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const part = adler(block);
  let [a, b] = [1, 0];
  for (let i = 0; i < count; i++) {
    b = (b + part.b + (block.length % adlerBase) * ((a - 1 + adlerBase) % adlerBase)) % adlerBase;
    a = (a + part.a - 1 + adlerBase) % adlerBase;
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt16BE(b, 0);
  sum.writeUInt16BE(a, 2);
  const parts = Array.from({ length: count }, () => once);
  // Two bytes of header, the blocks, an empty last block, the checksum (RFC 1950, RFC 1951).
  return Buffer.concat([Buffer.from([0x78, 0xda]), ...parts, Buffer.from([0x03, 0x00]), sum]);
}

/** So many megabytes of one byte. */
export function deflateMegabytes(megabytes, value = 0) {
  return deflateRepeated(Buffer.alloc(1_000_000, value), megabytes);
}
