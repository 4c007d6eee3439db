import type { WorkerOptions } from "@temporalio/worker";
import { type TaskQueue, taskQueues } from "../contract/process-document.ts";

/** How much of each queue a worker process takes at once. */
export function queueOptions(
  queue: TaskQueue,
  ocrConcurrency: number,
): Pick<WorkerOptions, "maxCachedWorkflows" | "maxConcurrentActivityTaskExecutions"> {
  switch (queue) {
    case taskQueues.documents:
      // One that is not cached is read again from its history at each step, which costs more than its place here; a
      // document that waits for long needs none.
      return { maxCachedWorkflows: 500, maxConcurrentActivityTaskExecutions: 20 };
    // The rates of Textract are kept by the governor, region by region.
    case taskQueues.textractSubmit:
      return { maxConcurrentActivityTaskExecutions: 20 };
    case taskQueues.textractResults:
      return { maxConcurrentActivityTaskExecutions: 10 };
    case taskQueues.ocr:
      return { maxConcurrentActivityTaskExecutions: ocrConcurrency };
  }
}
