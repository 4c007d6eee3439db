import type { Tracing } from "./tracing-parts.ts";

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
