import type { StepReport } from "../../local/report.ts";
import { isTerminal } from "../output.ts";
import type { ProgressView } from "./progress-view.ts";

/** Where progress is shown: lines that are redrawn on a terminal, plain lines elsewhere. Always standard error. */
export interface Display {
  step(step: StepReport): void;
  /** A line that stays. */
  say(line: string): void;
  update(view: ProgressView): void;
  /** Tells that the command is on its way out. */
  stopping(line: string): void;
  /** Leaves the screen to what comes after. */
  end(): void;
}

/** The display that fits standard error. */
export async function createDisplay(): Promise<Display> {
  if (isTerminal(process.stderr)) return (await import("./live-display.ts")).createLiveDisplay();
  return (await import("./plain-display.ts")).createPlainDisplay();
}
