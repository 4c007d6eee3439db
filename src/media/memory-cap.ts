/**
 * Caps every WebAssembly memory of this thread, from now on: growing over the cap fails like a machine without memory.
 * Nothing else holds: neither a worker's `resourceLimits` nor V8's heap size count WebAssembly memory.
 * @returns `refused`: whether a request was refused since the last look, which a library may well keep to itself
 */
export function capWebAssemblyMemory(bytes: number): { refused(): boolean } {
  const pageBytes = 65_536;
  const { grow } = WebAssembly.Memory.prototype;
  let refused = false;
  WebAssembly.Memory.prototype.grow = function (delta: number) {
    if (this.buffer.byteLength + delta * pageBytes > bytes) {
      refused = true;
      throw new RangeError(`WebAssembly memory is capped at ${bytes} bytes`);
    }
    return grow.call(this, delta);
  };
  return {
    refused() {
      const was = refused;
      refused = false;
      return was;
    },
  };
}
