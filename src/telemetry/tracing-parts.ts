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
