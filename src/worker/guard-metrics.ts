import { Gauge, type Registry } from "prom-client";
import type { Database } from "../database/client.ts";
import { readGuards } from "../database/guards-state.ts";
import { keptReading } from "./kept-reading.ts";
import { stateGauges } from "./state-gauges.ts";

/** Numbers by which the state of a breaker is told. */
const stateNumbers = { closed: 0, "half-open": 1, open: 2 } as const;

/**
 * Gauges of what all workers share: breakers and the governor's lines. Read from the database when the metrics are
 * asked for; while it does not answer, the gauges are left out and `docket_database_up` is 0.
 */
export function registerGuardMetrics(registry: Registry, database: Database): void {
  // All gauges of one answer come from one reading: the registry asks them side by side.
  const read = keptReading(() => readGuards(database), { keepMilliseconds: 50, answerMilliseconds: 2000 });
  const gauge = stateGauges(registry, read);

  new Gauge({
    name: "docket_database_up",
    help: "1 when PostgreSQL answered for these metrics within two seconds.",
    registers: [registry],
    async collect() {
      this.set((await read()) === null ? 0 : 1);
    },
  });
  gauge("docket_region_breaker_state", "0 closed, 1 half open, 2 open.", ["region"], (it, { regionBreakers }) => {
    for (const { region, state } of regionBreakers) it.set({ region }, stateNumbers[state]);
  });
  gauge("docket_document_breakers_open", "Documents that are refused after failed runs.", [], (it, state) =>
    it.set(state.openDocumentBreakers),
  );
  gauge("docket_textract_jobs_in_use", "Job slots in use by the ledger.", ["region"], (it, { jobs }) => {
    for (const { region, count } of jobs) it.set({ region }, count);
  });
  gauge("docket_textract_starts_waiting", "Documents that wait for their turn.", ["region"], (it, { waiting }) => {
    for (const { region, count } of waiting) it.set({ region }, count);
  });
  gauge(
    "docket_textract_rate_booked_seconds",
    "How far ahead the places of an operation's rate are taken; 0: a request may go at once.",
    ["region", "operation"],
    (it, { rates }) => {
      for (const { region, operation, seconds } of rates) it.set({ region, operation }, seconds);
    },
  );
}
