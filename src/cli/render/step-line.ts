import type { Colors } from "../output.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { printableLine } from "./printable.ts";

/** A step of bringing up what is needed, as the local stack reports it. */
export interface Step {
  step: string;
  detail?: string | undefined;
  state: "start" | "progress" | "done" | "reused" | "external";
  bytes?: number | undefined;
  milliseconds?: number | undefined;
}

/** One line for a step: its name, what is done, its size and how long it took. */
export function renderStep(step: Step, color: Colors): string {
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
