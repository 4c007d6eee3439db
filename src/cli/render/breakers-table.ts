import type { BreakerState } from "../../database/circuit-breakers.ts";
import type { Colors } from "../output.ts";
import { renderColumns } from "./columns.ts";
import { formatTime } from "./format.ts";
import { printableLine, shorten } from "./printable.ts";

/** Circuit breakers as a table, one a line. */
export function renderBreakers(states: BreakerState[], color: Colors): string {
  const rows = states.map(({ name, state, failures, nextProbeAt, lastError }) => [
    name,
    state === "closed" ? state : color.red(state),
    String(failures),
    nextProbeAt === null ? "" : formatTime(nextProbeAt),
    shorten(printableLine(lastError ?? ""), 80),
  ]);
  const columns = [
    { title: "breaker" },
    { title: "state" },
    { title: "failures", align: "right" as const },
    { title: "next probe" },
    { title: "last error" },
  ];
  const [head = "", ...lines] = renderColumns(columns, rows).split("\n");
  return [color.bold(head), ...lines].join("\n");
}
