import type { Client } from "@temporalio/client";
import type { Payload } from "@temporalio/common";
import proto from "@temporalio/proto";
import type { Logger } from "pino";
import { DocketError } from "../contract/failures.ts";
import { processDocumentType } from "../contract/process-document.ts";

const mostLookedAt = 5;
const answerMilliseconds = 5000;
// gRPC's code of a history that is no more.
const notFound = 5;
const closeEvent = proto.temporal.api.enums.v1.HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;

/**
 * Looks at the newest open documents before the first task is taken. A worker that can read none of them has the wrong keys,
 * or none: it would take tasks that others can do, and fail each. So it looks, too, where somebody hands in documents
 * with a key that no worker has; then it can read the results that workers wrote last, and starts. What it cannot read is
 * told, and waits for a worker that has its key. A server that does not answer is no reason not to start.
 * @throws {DocketError} `PayloadUnreadable`
 */
export async function checkPayloadKeys(client: Client, logger: Logger): Promise<void> {
  let problem: DocketError | undefined;
  let starts: boolean;
  try {
    const open = await look(client, "Running", inputOf);
    problem = open.problem;
    starts = problem === undefined || open.readable > 0 || (await look(client, "Completed", resultOf)).readable > 0;
  } catch (error) {
    logger.warn({ err: error }, "open documents could not be looked at before the start");
    return;
  }
  if (problem === undefined) return;
  const { type, message, remedy } = problem;
  if (starts) {
    logger.error({ failureType: type, remedy }, `some open documents cannot be read here: ${message}`);
    return;
  }
  throw new DocketError(type, `None of the newest open documents can be read, nor a result of the last: ${message}`, {
    remedy: `${remedy} Where a key is lost, terminate its documents and hand them in again (docs/operations.md).`,
  });
}

type Execution = { workflowId: string; runId: string };
type Payloads = Payload[] | null | undefined;

/**
 * Tries to read something of the newest documents of a status.
 * @returns how many can be read, and why the first of the others cannot; those that are gone count as neither
 */
async function look(
  client: Client,
  status: "Running" | "Completed",
  payloadsOf: (client: Client, execution: Execution) => Promise<Payloads>,
): Promise<{ readable: number; problem: DocketError | undefined }> {
  let readable = 0;
  let problem: DocketError | undefined;
  for (const execution of await newest(client, status)) {
    try {
      const payloads = (await payloadsOf(client, execution)) ?? [];
      for (const codec of client.options.loadedDataConverter.payloadCodecs) await codec.decode(payloads);
      readable++;
    } catch (error) {
      if (error instanceof DocketError) problem ??= error;
      else if ((error as { code?: number }).code !== notFound) throw error;
    }
  }
  return { readable, problem };
}

async function newest(client: Client, status: string): Promise<Execution[]> {
  const { executions } = await client.withDeadline(Date.now() + answerMilliseconds, () =>
    client.workflowService.listWorkflowExecutions({
      namespace: client.options.namespace,
      pageSize: mostLookedAt,
      query: `WorkflowType = "${processDocumentType}" AND ExecutionStatus = "${status}"`,
    }),
  );
  return (executions ?? []).flatMap(({ execution }) =>
    execution?.workflowId && execution.runId ? { workflowId: execution.workflowId, runId: execution.runId } : [],
  );
}

/** What a document was started with. */
async function inputOf(client: Client, execution: Execution): Promise<Payloads> {
  const event = await eventOf(client, { execution, maximumPageSize: 1 });
  return event?.workflowExecutionStartedEventAttributes?.input?.payloads;
}

/** What a worker ended a document with. */
async function resultOf(client: Client, execution: Execution): Promise<Payloads> {
  const event = await eventOf(client, { execution, historyEventFilterType: closeEvent });
  return event?.workflowExecutionCompletedEventAttributes?.result?.payloads;
}

async function eventOf(
  client: Client,
  request: { execution: Execution; maximumPageSize?: number; historyEventFilterType?: typeof closeEvent },
) {
  const { namespace } = client.options;
  const { history } = await client.withDeadline(Date.now() + answerMilliseconds, () =>
    client.workflowService.getWorkflowExecutionHistory({ namespace, ...request }),
  );
  return history?.events?.[0];
}
