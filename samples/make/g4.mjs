// @ts-check

/**
 * @typedef {object} BilevelImage
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {number} dpi
 * @property {Uint8Array} black one byte a pixel: 1 black, 0 white
 */

// Run lengths 0-63, then 64, 128, ... 1728 (ITU-T T.4, tables 2 and 3a), then 1792 ... 2560 for both colours (3b).
const whiteRuns = codes(`00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100
  110101 101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000 00000010
  00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001 00101010 00101011
  00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101 01011000
  01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100
  11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010
  011010011 011010100 011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001
  010011010 011000 010011011`);
const blackRuns = codes(`0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100
  00000111 000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000
  00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 000001101010
  000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 000001101100 000001101101
  000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 000001100100 000001100101 000001010010
  000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 000001011000 000001011001 000000101011
  000000101100 000001011010 000001100110 000001100111
  0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 0000001101101
  0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100 0000001110101
  0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 0000001011010 0000001011011
  0000001100100 0000001100101`);
const longRuns = codes(`00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101
  000000010110 000000010111 000000011100 000000011101 000000011110 000000011111`);

const passMode = "0001";
const horizontalMode = "001";
/** By (changing element of this row) - (changing element of the row above) + 3. */
const verticalModes = ["0000010", "000010", "010", "1", "011", "000011", "0000011"];
const endOfBlock = "000000000001000000000001";

/**
 * Encodes a 1-bit image as CCITT Group 4 (ITU-T T.6), most significant bit first, 0 bits white: what scanners and fax
 * servers write into PDF (`/K -1`) and TIFF (compression 4).
 * @param {BilevelImage} image
 */
export function encodeG4(image) {
  const { width, height, black } = image;
  const out = bitWriter();
  /** @type {Uint8Array} */
  let above = new Uint8Array(width);
  for (let y = 0; y < height; y++) {
    const row = black.subarray(y * width, (y + 1) * width);
    let a0 = -1;
    let color = 0;
    while (a0 < width) {
      const a1 = nextChange(row, a0, color);
      const b1 = nextChangeTo(above, a0, color);
      const b2 = nextChange(above, b1, 1 - color);
      if (b2 < a1) {
        out.write(passMode);
        a0 = b2;
        continue;
      }
      const distance = a1 - b1;
      if (distance >= -3 && distance <= 3) {
        out.write(/** @type {string} */ (verticalModes[distance + 3]));
        a0 = a1;
        color = 1 - color;
      } else {
        const a2 = nextChange(row, a1, 1 - color);
        out.write(horizontalMode);
        writeRun(out, a1 - Math.max(a0, 0), color);
        writeRun(out, a2 - a1, 1 - color);
        a0 = a2;
      }
    }
    above = row;
  }
  out.write(endOfBlock);
  return out.finish();
}

/**
 * The end of the run of `color` that `from` stands in (-1: the imaginary white pixel before the row).
 * @param {Uint8Array} row @param {number} from @param {number} color
 */
function nextChange(row, from, color) {
  let x = Math.max(from, 0);
  while (x < row.length && row[x] === color) x++;
  return x;
}

/**
 * `b1`: the first changing element of the row above, right of a0, that changes to the opposite of a0's colour.
 * @param {Uint8Array} above @param {number} a0 @param {number} color
 */
function nextChangeTo(above, a0, color) {
  for (let x = a0 + 1; x < above.length; x++) {
    const before = x === 0 ? 0 : above[x - 1];
    if (above[x] !== before && above[x] !== color) return x;
  }
  return above.length;
}

/** @param {ReturnType<typeof bitWriter>} out @param {number} length @param {number} color */
function writeRun(out, length, color) {
  const table = color === 0 ? whiteRuns : blackRuns;
  let rest = length;
  while (rest >= 2560) {
    out.write(/** @type {string} */ (longRuns[12]));
    rest -= 2560;
  }
  if (rest >= 1792) {
    out.write(/** @type {string} */ (longRuns[(rest - 1792) >> 6]));
    rest &= 63;
  } else if (rest >= 64) {
    out.write(/** @type {string} */ (table[63 + (rest >> 6)]));
    rest &= 63;
  }
  out.write(/** @type {string} */ (table[rest]));
}

function bitWriter() {
  /** @type {number[]} */
  const bytes = [];
  let current = 0;
  let filled = 0;
  return {
    /** @param {string} bits */
    write(bits) {
      for (let i = 0; i < bits.length; i++) {
        current = (current << 1) | (bits.charCodeAt(i) & 1);
        if (++filled === 8) {
          bytes.push(current);
          current = 0;
          filled = 0;
        }
      }
    },
    finish() {
      if (filled > 0) bytes.push(current << (8 - filled));
      return Uint8Array.from(bytes);
    },
  };
}

/** @param {string} table */
function codes(table) {
  return table.trim().split(/\s+/);
}
