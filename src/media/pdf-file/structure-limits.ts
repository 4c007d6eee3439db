/** What reading a file's structure may take; beyond, it is refused as if it were damaged. */
export interface StructureLimits {
  objects: number;
  /** Bytes of a stream of cross references or objects, inflated. */
  streamBytes: number;
  /** Bytes of one object as it is written. */
  objectBytes: number;
}

const mebibyte = 1024 * 1024;

/** For a process that does nothing else. */
export const usualLimits: StructureLimits = {
  objects: 1_000_000,
  streamBytes: 32 * mebibyte,
  objectBytes: 16 * mebibyte,
};

/** For a look in passing, beside other work and in a small heap. */
export const smallLimits: StructureLimits = { objects: 100_000, streamBytes: 4 * mebibyte, objectBytes: mebibyte };
