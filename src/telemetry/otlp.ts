import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { Resource } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from "@temporalio/interceptors-opentelemetry";
import type { Tracing } from "./tracing-parts.ts";

const sendMilliseconds = 5000;

/** Spans in batches by OTLP over HTTP, at most 4,096 of them in memory. */
export function traceToCollector(service: string): Tracing {
  const resource = new Resource({ "service.name": service });
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: sendMilliseconds }), {
    maxQueueSize: 4096,
    exportTimeoutMillis: sendMilliseconds,
  });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({ contextManager: new AsyncLocalStorageContextManager().enable() });
  const tracer = provider.getTracer("docket");
  return {
    client: new OpenTelemetryWorkflowClientInterceptor({ tracer }),
    activities: (context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context, { tracer }) }),
    sinks: { exporter: makeWorkflowExporter(processor, resource) },
    async stop() {
      await provider.shutdown().catch(() => {
        // The collector does not answer; the spans are lost, the work is not.
      });
    },
  };
}
