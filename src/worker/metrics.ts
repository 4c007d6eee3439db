import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ActivityObserver } from "../activities/failure-interceptor.ts";
import { failureTable, isFailureType } from "../contract/failures.ts";

/** Metrics of one worker process; docs/configuration.md lists their names. */
export function createWorkerMetrics(queues: readonly string[]): {
  registry: Registry;
  observeActivity: ActivityObserver;
} {
  const registry = new Registry();
  registry.setDefaultLabels({ queues: queues.join(",") });
  collectDefaultMetrics({ register: registry, prefix: "docket_worker_" });
  const outcomes = new Counter({
    name: "docket_activities_total",
    help: "Activity attempts by name and outcome: ok, or the failure's type.",
    labelNames: ["activity", "outcome"],
    registers: [registry],
  });
  const failures = new Counter({
    name: "docket_failures_total",
    help: "Failed activity attempts by the failure's type; waiting is no failure.",
    labelNames: ["type"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "docket_activity_seconds",
    help: "Duration of activity attempts.",
    labelNames: ["activity"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800],
    registers: [registry],
  });
  new Gauge({
    name: "docket_worker_up",
    help: "1 while the process runs.",
    registers: [registry],
  }).set(1);
  return {
    registry,
    observeActivity(activity, outcome, milliseconds) {
      outcomes.inc({ activity, outcome });
      if (isFailureType(outcome) && failureTable[outcome].retry !== "wait") failures.inc({ type: outcome });
      seconds.observe({ activity }, milliseconds / 1000);
    },
  };
}
