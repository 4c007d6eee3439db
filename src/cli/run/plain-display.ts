import { colorsFor, note } from "../output.ts";
import { plural } from "../render/format.ts";
import { printableLine } from "../render/printable.ts";
import { renderState, renderTotal, renderTrouble } from "../render/progress-lines.ts";
import { renderStep } from "../render/step-line.ts";
import type { Display } from "./display.ts";
import type { FileProgress, ProgressView } from "./progress-view.ts";

const totalEveryMilliseconds = 10_000;
const stepProgressEveryMilliseconds = 10_000;
const slowStepMilliseconds = 2000;
const reasonEveryMilliseconds = 10_000;

/**
 * Plain lines for a log or a pipe: each change of a document's stage, why one waits for long, and the total every ten
 * seconds.
 */
export function createPlainDisplay(write: (line: string) => void = note, now: () => number = Date.now): Display {
  const color = colorsFor(process.stderr);
  const told = new Map<FileProgress, { stage: string; reason: string | null; at: number }>();
  const stepShown = new Map<string, number>();
  const starting = new Map<string, NodeJS.Timeout>();
  let totalShown = now();
  let lastTotal = "";
  let lastTrouble: string | undefined;
  let troubleShown = 0;

  return {
    step(step) {
      clearTimeout(starting.get(step.step));
      if (step.state === "start") {
        // What is done at once needs one line, not two.
        starting.set(step.step, setTimeout(() => write(renderStep(step, color)), slowStepMilliseconds).unref());
        return;
      }
      if (step.state === "progress" && now() - (stepShown.get(step.step) ?? 0) < stepProgressEveryMilliseconds) return;
      stepShown.set(step.step, now());
      write(renderStep(step, color));
    },
    say: write,
    update(view: ProgressView) {
      for (const file of view.files) {
        const stage = renderStage(file);
        const reason = file.waitingFor === null ? null : printableLine(file.waitingFor);
        const last = told.get(file);
        const newReason =
          reason !== null && reason !== last?.reason && now() - (last?.at ?? 0) >= reasonEveryMilliseconds;
        if (file.state === "found" || (last?.stage === stage && !newReason)) continue;
        told.set(file, { stage, reason, at: now() });
        write(`  ${printableLine(file.name)}: ${stage}${reason === null ? "" : ` (waiting: ${reason})`}`);
      }
      const { trouble } = view;
      const newTrouble = trouble?.what !== lastTrouble;
      if (trouble !== null && (newTrouble || now() - troubleShown >= reasonEveryMilliseconds)) {
        troubleShown = now();
        write(renderTrouble(trouble));
      }
      lastTrouble = trouble?.what;
      if (now() - totalShown >= totalEveryMilliseconds) {
        totalShown = now();
        const total = renderTotal(view);
        if (total !== lastTotal) write(total);
        lastTotal = total;
      }
    },
    stopping: write,
    end() {},
  };
}

function renderStage(file: FileProgress): string {
  const pages = file.state === "complete" && file.pages !== null ? `, ${plural(file.pages, "page")}` : "";
  const failure = file.failure === undefined ? "" : `, ${file.failure.type}`;
  return renderState(file) + pages + failure;
}
