// @ts-check

/**
 * A seeded source of pseudo-random numbers (mulberry32: 32 bits of state). Integer arithmetic only, so that the same
 * seed gives the same sequence on every machine.
 * @param {number} seed
 */
export function createRandom(seed) {
  let state = seed >>> 0;

  /** @returns {number} 0 (inclusive) to 1 (exclusive) */
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  return {
    next,
    /** @param {number} low @param {number} high both inclusive */
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    /** @param {number} low @param {number} high */
    between: (low, high) => low + next() * (high - low),
    /**
     * @template T
     * @param {readonly T[]} list
     * @returns {T}
     */
    pick: (list) => /** @type {T} */ (list[Math.floor(next() * list.length)]),
    /**
     * A shuffled copy.
     * @template T
     * @param {readonly T[]} list
     * @returns {T[]}
     */
    shuffle(list) {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1));
        [copy[i], copy[j]] = [/** @type {T} */ (copy[j]), /** @type {T} */ (copy[i])];
      }
      return copy;
    },
  };
}

/** @typedef {ReturnType<typeof createRandom>} Random */

/**
 * A table of normally distributed numbers (mean 0, deviation 1): noise is needed for millions of pixels, and looking
 * it up is many times cheaper than computing it. The sum of twelve uniform numbers is close enough to normal.
 * @param {Random} random
 */
export function normalTable(random) {
  const table = new Float32Array(1 << 16);
  for (let i = 0; i < table.length; i++) {
    let sum = -6;
    for (let k = 0; k < 12; k++) sum += random.next();
    table[i] = sum;
  }
  return table;
}
