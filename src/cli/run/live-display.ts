import { createLogUpdate } from "log-update";
import type { StepReport } from "../../local/report.ts";
import { colorsFor } from "../output.ts";
import { renderProgress } from "../render/progress-lines.ts";
import { renderStep } from "../render/step-line.ts";
import type { Display } from "./display.ts";
import type { ProgressView } from "./progress-view.ts";

/** Redraws its lines in place on standard error, a terminal. Lines that stay are written above them. */
export function createLiveDisplay(): Display {
  const stream = process.stderr;
  const color = colorsFor(stream);
  const logUpdate = createLogUpdate(stream);
  const running = new Map<string, { step: StepReport; since: number }>();
  let view: ProgressView | null = null;
  let footer: string | null = null;
  let ended = false;

  const draw = () => {
    if (ended) return;
    const lines = [...running.values()].map(({ step, since }) =>
      renderStep({ ...step, milliseconds: step.milliseconds ?? Date.now() - since }, color),
    );
    if (view !== null) {
      lines.push(...renderProgress(view, { columns: stream.columns ?? 80, rows: stream.rows ?? 24, color }));
    }
    if (footer !== null) lines.push(footer);
    if (lines.length > 0) logUpdate(lines.join("\n"));
    else logUpdate.clear();
  };
  const stay = (line: string) => {
    if (ended) stream.write(`${line}\n`);
    else logUpdate.persist(line);
  };
  const clock = setInterval(draw, 500);
  clock.unref();

  return {
    step(step) {
      if (step.state === "start" || (step.state === "progress" && running.has(step.step))) {
        const since = running.get(step.step)?.since ?? Date.now();
        running.set(step.step, { step, since });
      } else {
        running.delete(step.step);
        stay(renderStep(step, color));
      }
      draw();
    },
    say(line) {
      stay(line);
      draw();
    },
    update(next) {
      view = next;
      draw();
    },
    stopping(line) {
      if (ended) return stay(line);
      footer = color.yellow(line);
      draw();
    },
    end() {
      if (ended) return;
      ended = true;
      clearInterval(clock);
      logUpdate.clear();
      logUpdate.done();
    },
  };
}
