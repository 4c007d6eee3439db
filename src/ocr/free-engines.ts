import { setImmediate } from "node:timers/promises";

/** Neither engine has less memory from its start on (16.8 MB). */
const leastEngineBytes = 16_000_000;
const roundLimit = 10;

/**
 * Gives back the memory of engines that nothing refers to any more. A WebAssembly memory is freed when the garbage is
 * collected and not before; what is still on the stack refers to it, and what its collection sets free in turn takes
 * further rounds (one to four were seen). Without `--expose-gc` V8 chooses the moment itself.
 */
export async function freeEngines(): Promise<void> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return;
  for (let round = 0; round < roundLimit; round++) {
    await setImmediate();
    gc();
    // V8 counts WebAssembly memory as external, and as no array buffer.
    const { external, arrayBuffers } = process.memoryUsage();
    if (external - arrayBuffers < leastEngineBytes) return;
  }
}

/** Gives back what nothing refers to any more, engines apart: one round, which takes some 10 ms. */
export async function collectGarbage(): Promise<void> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return;
  await setImmediate();
  gc();
}
