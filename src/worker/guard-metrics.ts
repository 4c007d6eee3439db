import { Gauge, type Registry } from "prom-client";
import type { Database } from "../database/client.ts";
import { type GuardsState, readGuards } from "../database/guards-state.ts";

/** Numbers by which the state of a breaker is told. */
const stateNumbers = { closed: 0, "half-open": 1, open: 2 } as const;
const answerMilliseconds = 2000;

/**
 * Gauges of what all workers share: breakers and the governor's lines. Read from the database when the metrics are
 * asked for; while it does not answer, the gauges are left out and `docket_database_up` is 0.
 */
export function registerGuardMetrics(registry: Registry, database: Database): void {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const breaker = gauge("docket_region_breaker_state", "0 closed, 1 half open, 2 open.", ["region"]);
  const documents = gauge("docket_document_breakers_open", "Documents that are refused after failed runs.");
  const jobs = gauge("docket_textract_jobs_in_use", "Job slots in use by the ledger.", ["region"]);
  const waiting = gauge("docket_textract_starts_waiting", "Documents that wait for their turn to start.", ["region"]);
  const ahead = gauge(
    "docket_textract_rate_booked_seconds",
    "How far ahead the places of an operation's rate are taken; 0: a request may go at once.",
    ["region", "operation"],
  );
  const shared = [breaker, documents, jobs, waiting, ahead];

  new Gauge({
    name: "docket_database_up",
    help: "1 when PostgreSQL answered for these metrics within two seconds.",
    registers: [registry],
    async collect() {
      const state = await withinTime(readGuards(database)).catch(() => null);
      this.set(state === null ? 0 : 1);
      for (const one of shared) one.reset();
      if (state !== null) tell(state);
    },
  });

  function tell(state: GuardsState): void {
    for (const { region, state: now } of state.regionBreakers) breaker.set({ region }, stateNumbers[now]);
    documents.set(state.openDocumentBreakers);
    for (const { region, count } of state.jobs) jobs.set({ region }, count);
    for (const { region, count } of state.waiting) waiting.set({ region }, count);
    for (const { region, operation, seconds } of state.rates) ahead.set({ region, operation }, seconds);
  }
}

function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), answerMilliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
