const pageBytes = 65_536;
/** Emscripten asks for three sizes, each smaller, before it gives a request up. */
const triesPerRequest = 3;

/**
 * A limit on the memory of every WebAssembly instance of this process: growing above it fails as on a machine without
 * memory. To be made before the engines are loaded. Their own reports cannot be trusted: pdfium draws an image that it
 * has no memory for as white paper, and says that all went well; {@link exhausted} tells.
 */
export class WasmMemoryBudget {
  #refusedInARow = 0;
  #exhausted = false;
  #largest = 0;

  /** @param limitBytes of one instance; the recogniser has one alive at a time */
  constructor(limitBytes: number) {
    const budget = this;
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, delta: number) {
      const wanted = this.buffer.byteLength + delta * pageBytes;
      if (wanted > limitBytes) {
        budget.#refuse();
        throw new RangeError(`WebAssembly memory is limited to ${limitBytes} bytes.`);
      }
      try {
        const before = grow.call(this, delta);
        budget.#refusedInARow = 0;
        budget.#largest = Math.max(budget.#largest, wanted);
        return before;
      } catch (error) {
        // The process's own limit was reached first.
        budget.#refuse();
        throw error;
      }
    };
  }

  #refuse(): void {
    this.#refusedInARow += 1;
    if (this.#refusedInARow < triesPerRequest) return;
    this.#refusedInARow = 0;
    this.#exhausted = true;
  }

  /** Whether a request was refused at every size since {@link reset}. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Bytes of the largest instance that ever was. */
  get largestBytes(): number {
    return this.#largest;
  }

  reset(): void {
    this.#refusedInARow = 0;
    this.#exhausted = false;
  }
}
