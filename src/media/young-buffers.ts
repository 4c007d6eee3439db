import { setFlagsFromString } from "node:v8";

/** V8 13, of Node 24, collects garbage later than the versions before it. */
export const hasV8Of24 = process.versions.v8.startsWith("13.");

/**
 * V8 13 lets 128 MiB of Buffers gather before it looks which of them are done with, where the versions before it took 32.
 * `--max-semi-space-size` does not change that; this flag is what it is computed from. Others refuse flags that they do
 * not have, so only this one is given it.
 */
export const youngBufferFlags: readonly string[] = hasV8Of24 ? ["--scavenger-max-new-space-capacity-mb=8"] : [];

/** Lets no more Buffers that are done with gather in this process and its threads than before V8 13. */
export function keepYoungBuffersFew(): void {
  for (const flag of youngBufferFlags) setFlagsFromString(flag);
}
