import { readdir, readFile } from "node:fs/promises";
import { type History, historyFromJSON } from "@temporalio/common/lib/proto-utils.js";
import { Worker } from "@temporalio/worker";
import { DeterminismViolationError } from "@temporalio/workflow";
import { historiesUrl, stepOf } from "./workflow-branches.ts";

const workflows = "src/workflows/";

/** A recorded history, by its path below test/histories. */
export async function readHistory(path: string): Promise<History> {
  return historyFromJSON(JSON.parse(await readFile(new URL(path, historiesUrl), "utf8")));
}

/**
 * Replays a history with workflow code.
 * @param name what an error calls the history
 * @throws where the code does something else than the history tells: with the event, its step, and the lines of it
 */
export async function replay(name: string, history: History, code: string): Promise<void> {
  try {
    await Worker.runReplayHistory({ workflowBundle: { code } }, history);
  } catch (error) {
    if (!(error instanceof DeterminismViolationError)) throw error;
    const said = /Nondeterminism error: ([^"]*)"/.exec(error.message)?.[1] ?? error.message;
    const { ids, step } = placeOf(history, said);
    const where = step === null ? "" : ` at event ${ids.join(" or ")}, ${step} (${(await linesOf(step)).join(", ")})`;
    const remedy = "Workflows under way would stop there: keep their order with patched(), as CONTRIBUTING.md says.";
    throw new Error(`${name} does not replay${where}: ${said}. ${remedy}`, { cause: error });
  }
}

/** The event at which the SDK says that code and history part, by its id or by its step. */
function placeOf({ events }: History, said: string): { ids: string[]; step: string | null } {
  const id = /HistoryEvent\(id: (\d+)/.exec(said)?.[1];
  const named = /event '(\w+)'/.exec(said)?.[1];
  const found = (events ?? []).filter((event) =>
    id === undefined ? stepOf(event) === named : event.eventId?.toString() === id,
  );
  const [first] = found;
  const step = first === undefined ? null : (stepOf(first) ?? said.match(/id: \d+, (\w+)/)?.[1] ?? null);
  return { ids: found.map(({ eventId }) => String(eventId)), step };
}

/** Where the workflows take a step, as file:line. */
async function linesOf(step: string): Promise<string[]> {
  const lines: string[] = [];
  for (const file of (await readdir(workflows)).sort()) {
    for (const [index, line] of (await readFile(workflows + file, "utf8")).split("\n").entries()) {
      if (new RegExp(`\\b${step}\\(`).test(line)) lines.push(`${workflows}${file}:${index + 1}`);
    }
  }
  return lines.length === 0 ? ["nowhere in the code now"] : lines;
}
