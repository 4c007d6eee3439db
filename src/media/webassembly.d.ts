/** The part of the WebAssembly API that is used here: TypeScript has it in its browser library only. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>;
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
    /** Pages of 64 KiB; returns the former number of pages. */
    grow(delta: number): number;
  }
  function validate(bytes: Uint8Array): boolean;
}
