import type { StepReport } from "../../local/report.ts";
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
