const pageBytes = 65_536;
/** Emscripten asks for three sizes, each smaller, before it gives a request up. */
const triesPerRequest = 3;

/**
 * Caps every WebAssembly memory of this thread, from now on: growing over the cap fails as on a machine without memory.
 * Nothing else would: neither a worker's `resourceLimits` nor V8's heap size count WebAssembly memory.
 * @returns `exhausted`: whether a request was refused at every size since the last look; the library that asked may well
 * have kept it to itself
 */
export function capWebAssemblyMemory(bytes: number): { exhausted(): boolean } {
  const { grow } = WebAssembly.Memory.prototype;
  let refusedInARow = 0;
  let exhausted = false;
  WebAssembly.Memory.prototype.grow = function (delta: number) {
    try {
      if (this.buffer.byteLength + delta * pageBytes > bytes) {
        throw new RangeError(`WebAssembly memory is capped at ${bytes} bytes`);
      }
      const before = grow.call(this, delta);
      refusedInARow = 0;
      return before;
    } catch (error) {
      // Also where the system refuses, because the process has a limit of its own.
      refusedInARow += 1;
      if (refusedInARow >= triesPerRequest) exhausted = true;
      throw error;
    }
  };
  return {
    exhausted() {
      const was = exhausted;
      exhausted = false;
      refusedInARow = 0;
      return was;
    },
  };
}
