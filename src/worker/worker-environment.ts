import { setFlagsFromString } from "node:v8";
import { hasV8Of24, keepYoungBuffersFew } from "../media/young-buffers.ts";

/**
 * What a worker's process is started with, besides its settings. By itself glibc gives each thread memory of its own that
 * it hardly ever returns: with the threads of Temporal's core that was 290 MiB of 690 after 4,000 documents.
 * `MALLOC_ARENA_MAX` is read when a process begins, so that whoever starts it sets it.
 */
export const workerEnvironment = { MALLOC_ARENA_MAX: "2" } as const;

/**
 * What Node is started with for it. By itself V8 gives young objects 32 MiB, of which a worker makes no use: 30 MiB less in
 * all, for no more processor time. Like the environment it counts from the process's beginning only.
 */
export const workerFlags: readonly string[] = ["--max-semi-space-size=4"];

/** Lets garbage of this worker's process not gather. To be called before the work begins. */
export function keepGarbageFew(): void {
  keepYoungBuffersFew();
  // Old Buffers wait for a collection of all objects, which comes later there: twice as many as on Node 20 were held.
  if (hasV8Of24) setFlagsFromString("--heap-growing-percent=60");
}
