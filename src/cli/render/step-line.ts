import type { StepReport } from "../../local/report.ts";
import type { Colors } from "../output.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { printableLine } from "./printable.ts";

/** One line for a step: its name, what is done, its size and how long it took. */
export function renderStep(step: StepReport, color: Colors): string {
  const mark = step.state === "start" || step.state === "progress" ? color.dim("…") : color.green("✓");
  const facts = [
    step.detail === undefined ? undefined : printableLine(step.detail),
    step.state === "reused" ? "running already" : undefined,
    step.state === "external" ? "as configured" : undefined,
    step.bytes === undefined ? undefined : formatBytes(step.bytes),
    step.milliseconds === undefined ? undefined : formatDuration(step.milliseconds),
  ].filter((fact) => fact !== undefined);
  return `${mark} ${step.step}${facts.length > 0 ? color.dim(`  ${facts.join(", ")}`) : ""}`;
}
