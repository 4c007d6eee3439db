import { Client } from "@temporalio/client";
import {
  type ActivityInterceptorsFactory,
  DefaultLogger,
  type LogEntry,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from "@temporalio/worker";
import type { Logger } from "pino";
import { FailureInterceptor } from "./activities/failure-interceptor.ts";
import { createActivities } from "./activities/index.ts";
import { OwnershipInterceptor } from "./activities/ownership-interceptor.ts";
import { createQuotaGovernor } from "./activities/quota-governor.ts";
import { temporalRefusal } from "./client/temporal-refusal.ts";
import type { Config, WorkerVersion } from "./config.ts";
import { DocketError } from "./contract/failures.ts";
import { type TaskQueue, taskQueues, textractTurnSignal } from "./contract/process-document.ts";
import { webhookQueue } from "./contract/webhook.ts";
import { createDatabase } from "./database/client.ts";
import { recognizeDocument } from "./ocr/recognize-document.ts";
import { dataConverterOf } from "./payloads/data-converter.ts";
import { createObjectStorage } from "./storage/create-object-storage.ts";
import { keepWorkFoldersSwept } from "./storage/work-folder.ts";
import { startTracing } from "./telemetry/tracing.ts";
import { createRegionLimits } from "./textract/region-limits.ts";
import { readServiceQuotas } from "./textract/service-quotas.ts";
import { createTextractApis } from "./textract/textract-api.ts";
import { textractReachability } from "./textract/textract-reachability.ts";
import { registerDocumentMetrics } from "./worker/document-metrics.ts";
import { registerGuardMetrics } from "./worker/guard-metrics.ts";
import { startHealthServer } from "./worker/health-server.ts";
import { registerMemoryMetrics } from "./worker/memory-metrics.ts";
import { createWorkerMetrics } from "./worker/metrics.ts";
import { readNotifications } from "./worker/notifications.ts";
import { checkPayloadKeys } from "./worker/payload-check.ts";
import { registerQueueMetrics } from "./worker/queue-metrics.ts";
import { queueOptions } from "./worker/queue-options.ts";
import { signalWorkflow } from "./worker/signal-workflow.ts";
import { watchLines } from "./worker/watch-lines.ts";
import { readWorkflowBundle } from "./workflows/bundle.ts";

/** A step that calls the next in line waits for Temporal no longer than this. */
const callMilliseconds = 2000;

export interface WorkerRun {
  config: Config;
  /** Which queues this process serves. `ocr` is served alone: its process loads no workflow code. */
  queues: readonly TaskQueue[];
  logger: Logger;
  /** Further interceptors around every activity, inside the one that types failures. */
  activityInterceptors?: ActivityInterceptorsFactory[];
  /** Called once when all queues are polled. */
  onReady?(health: { address: string }): void;
}

/**
 * Serves the queues until SIGTERM or SIGINT; running activities get the grace time to end, and heartbeats keep the
 * position of those that do not.
 */
export async function runWorker({
  config,
  queues,
  logger,
  activityInterceptors = [],
  onReady,
}: WorkerRun): Promise<void> {
  const metrics = createWorkerMetrics(queues);
  Runtime.install({
    logger: new DefaultLogger("INFO", (entry) => logTemporal(logger, entry)),
    // Shutdown is ours, so that health answers until the end.
    shutdownSignals: [],
  });
  const endSweeping = await keepWorkFoldersSwept((folders) =>
    logger.info({ folders }, "temporary folders of processes that were killed are removed"),
  );
  const { namespace, payloadKeys, ...server } = config.temporal;
  const connection = await NativeConnection.connect(server).catch((cause: Error) => {
    const refusal = temporalRefusal(cause);
    if (refusal !== null) throw refusal;
    throw new DocketError("TemporalUnavailable", `Temporal at ${server.address} does not answer: ${cause.message}`, {
      cause,
    });
  });
  const dataConverter = dataConverterOf(payloadKeys);
  const client = new Client({ connection, namespace, dataConverter });
  try {
    await checkPayloadKeys(client, logger);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const database = createDatabase(config.database);
  registerGuardMetrics(metrics.registry, database);
  registerDocumentMetrics(metrics.registry, database);
  registerMemoryMetrics(metrics.registry, queues.includes(taskQueues.ocr) ? config.ocr.memoryBytes : undefined);
  registerQueueMetrics(metrics.registry, { connection, namespace, queues });
  const tracing = await startTracing(process.env, "docket-worker");
  const storage = createObjectStorage(config.storage);
  const textract = createTextractApis(config.textract);
  const limitsOf = createRegionLimits({
    settings: config.textract,
    readQuotas: readServiceQuotas,
    log: (message) => logger.warn(message),
  });
  const turn = { name: textractTurnSignal, args: [], milliseconds: callMilliseconds };
  const call = (workflowId: string) => signalWorkflow(client, workflowId, turn);
  const governor = createQuotaGovernor({ database, limitsOf, call, logger });
  const activities = createActivities({
    config,
    database,
    governor,
    storage,
    textract,
    textractReachable: textractReachability(config.textract),
    recognize: recognizeDocument,
  });

  const common: Omit<WorkerOptions, "taskQueue"> = {
    connection,
    namespace,
    dataConverter,
    activities,
    shutdownGraceTime: config.worker.shutdownGraceMilliseconds,
    ...versioning(config.worker.version),
    interceptors: {
      activity: [
        ...(tracing === null ? [] : [tracing.activities]),
        () => ({ inbound: new FailureInterceptor(metrics.observeActivity) }),
        () => ({ inbound: new OwnershipInterceptor(database) }),
        ...activityInterceptors,
      ],
    },
  };
  if (tracing !== null) common.sinks = tracing.sinks;
  const workers: Worker[] = [];
  for (const queue of queues) {
    const variant = { traced: tracing !== null, encodesFailures: payloadKeys.length > 0 };
    const workflows = await workflowsOf(queue, variant);
    const options = queueOptions(queue, config.ocr.concurrency);
    workers.push(await Worker.create({ ...common, ...workflows, ...options, taskQueue: queue }));
  }
  // Where documents end, their ends are told: in places of their own, because a receiver may hang.
  const served: string[] = [...queues];
  if (queues.includes(taskQueues.documents)) {
    workers.push(await Worker.create({ ...common, taskQueue: webhookQueue, maxConcurrentActivityTaskExecutions: 10 }));
    served.push(webhookQueue);
  }

  // Beside the looks at jobs: whoever may do the one may do the other.
  const reads = queues.includes(taskQueues.textractResults);
  const notifications = reads
    ? readNotifications({ config, client, database, registry: metrics.registry, logger })
    : null;
  const lines = queues.includes(taskQueues.textractSubmit) ? watchLines({ database, governor, logger }) : null;
  const health = await startHealthServer({
    host: config.worker.healthHost,
    port: config.worker.healthPort,
    registry: metrics.registry,
    states: () => Object.fromEntries(workers.map((worker, index) => [served[index] ?? "", worker.getState()])),
    details: () => (notifications === null ? {} : { notifications: notifications.problem() ?? "answers" }),
  });
  const endPolling = () => {
    for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
  };
  const stop = (signal: string) => {
    logger.info({ signal }, "shutting down");
    endPolling();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  const running = workers.map((worker) => worker.run());
  try {
    const polling = Promise.all(running);
    logger.info({ queues, health: health.address }, "worker is polling");
    onReady?.(health);
    await polling;
  } catch (error) {
    // The other queues still use the connection: they end in order first.
    logger.error({ err: error }, "a queue has failed; the worker ends");
    endPolling();
    await Promise.allSettled(running);
    throw error;
  } finally {
    const parts = [
      () => notifications?.stop(),
      () => lines?.stop(),
      () => endSweeping(),
      () => health.close(),
      () => connection.close(),
      () => tracing?.stop(),
      () => database.$disconnect(),
      () => storage.close(),
      () => textract.close(),
    ];
    await closeAll(parts, logger);
  }
}

/** One that cannot be closed keeps no other open, and does not take the place of what the worker ended with. */
async function closeAll(parts: readonly (() => unknown)[], logger: Logger): Promise<void> {
  for (const close of parts) {
    try {
      await close();
    } catch (error) {
      logger.warn({ err: error }, "a part of the worker did not close in order");
    }
  }
}

async function workflowsOf(
  queue: TaskQueue,
  variant: Parameters<typeof readWorkflowBundle>[0],
): Promise<Pick<WorkerOptions, "workflowBundle">> {
  if (queue !== taskQueues.documents) return {};
  return { workflowBundle: { code: await readWorkflowBundle(variant) } };
}

/** Each workflow says itself how it is versioned; PINNED counts for one that does not. */
function versioning(version: WorkerVersion | undefined): Pick<WorkerOptions, "workerDeploymentOptions"> {
  if (version === undefined) return {};
  return {
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: "PINNED" },
  };
}

function logTemporal(logger: Logger, { level, message, meta }: LogEntry): void {
  // The activity context that Temporal adds holds the workflow id, which names the document.
  // What a typed failure says is logged once, by the interceptor that types it.
  if (message === "Activity failed") return;
  const { workflowId, activityType, attempt, error, sdkComponent, failureType, taskQueue } = (meta ?? {}) as Record<
    string,
    unknown
  >;
  const documentId = typeof workflowId === "string" ? workflowId.replace(/^document\//, "") : undefined;
  const fields = { documentId, activityType, attempt, failureType, taskQueue, sdkComponent, err: error };
  if (level === "ERROR") logger.error(fields, message);
  else if (level === "WARN") logger.warn(fields, message);
  else if (level === "INFO") logger.info(fields, message);
  else logger.debug(fields, message);
}
