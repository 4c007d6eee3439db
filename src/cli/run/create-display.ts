import { isTerminal } from "../output.ts";
import type { Display } from "./display.ts";

/** The display that fits standard error. */
export async function createDisplay(): Promise<Display> {
  if (isTerminal(process.stderr)) return (await import("./live-display.ts")).createLiveDisplay();
  return (await import("./plain-display.ts")).createPlainDisplay();
}
