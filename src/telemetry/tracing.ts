import type { WorkflowClientInterceptor } from "@temporalio/client";
import type { ActivityInterceptorsFactory, InjectedSinks } from "@temporalio/worker";

/** Traces of this process, sent to a collector. */
export interface Tracing {
  /** A span around every start and signal, which goes with it to the workflow and its activities. */
  client: WorkflowClientInterceptor;
  /** A span around every attempt of an activity, below the span of its workflow. */
  activities: ActivityInterceptorsFactory;
  /** Takes the spans that workflow code makes, which cannot send them itself. */
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own type of sinks
  sinks: InjectedSinks<any>;
  /** Sends what is left, for at most a few seconds. */
  stop(): Promise<void>;
}

/**
 * Begins to trace where an environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`, or `..._TRACES_ENDPOINT`); null
 * where it names none. The exporter takes OpenTelemetry's own variables. A collector that does not answer loses spans,
 * and nothing else: they are kept in memory up to a number, and then dropped.
 * @param service the process's name in the traces, unless `OTEL_SERVICE_NAME` gives another
 */
export async function startTracing(environment: NodeJS.ProcessEnv, service: string): Promise<Tracing | null> {
  const collector =
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] || environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] || "";
  if (collector === "" || environment["OTEL_SDK_DISABLED"] === "true") return null;
  // Loaded only here: who does not trace does not pay for it.
  const { traceToCollector } = await import("./otlp.ts");
  return traceToCollector(environment["OTEL_SERVICE_NAME"] || service);
}
