import type { NativeConnection } from "@temporalio/worker";
import { Gauge, type Registry } from "prom-client";
import type { TaskQueue } from "../contract/process-document.ts";
import { keptReading } from "./kept-reading.ts";

// TASK_QUEUE_TYPE_ACTIVITY of Temporal's API.
const activityQueue = 2;

interface Backlog {
  queue: string;
  tasks: number;
  ageSeconds: number;
}

/**
 * What waits in this worker's task queues, as the Temporal server estimates it, asked at most every ten seconds. Left
 * out while the server does not answer.
 */
export function registerQueueMetrics(
  registry: Registry,
  { connection, namespace, queues }: { connection: NativeConnection; namespace: string; queues: readonly TaskQueue[] },
): void {
  const describe = async (queue: string): Promise<Backlog> => {
    const { stats } = await connection.withDeadline(Date.now() + 3000, () =>
      connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: queue },
        taskQueueType: activityQueue,
        reportStats: true,
      }),
    );
    return {
      queue,
      tasks: Number(stats?.approximateBacklogCount ?? 0),
      ageSeconds: Number(stats?.approximateBacklogAge?.seconds ?? 0),
    };
  };
  const read = keptReading(() => Promise.all(queues.map(describe)), {
    keepMilliseconds: 10_000,
    answerMilliseconds: 4000,
  });
  const gauge = (name: string, help: string, value: (backlog: Backlog) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["queue"],
      registers: [registry],
      async collect() {
        const backlogs = await read();
        this.reset();
        for (const backlog of backlogs ?? []) this.set({ queue: backlog.queue }, value(backlog));
      },
    });
  gauge("docket_queue_backlog", "Activity tasks that wait in a task queue, estimated.", ({ tasks }) => tasks);
  gauge("docket_queue_backlog_age_seconds", "How long the first of them has waited.", ({ ageSeconds }) => ageSeconds);
}
