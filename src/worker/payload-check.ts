import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import { DocketError } from "../contract/failures.ts";
import { processDocumentType } from "../contract/process-document.ts";

const mostLookedAt = 5;
const answerMilliseconds = 5000;
// gRPC's code of a history that is no more.
const notFound = 5;

/**
 * Looks at the newest open documents before the first task is taken. A worker that can read none of them has the wrong keys,
 * or none: it would take tasks that others can do, and fail each. Where it can read some, the others are told and wait
 * for a worker that has their key. A server that does not answer is no reason not to start.
 * @throws {DocketError} `PayloadUnreadable`
 */
export async function checkPayloadKeys(client: Client, logger: Logger): Promise<void> {
  const unreadable: DocketError[] = [];
  let readable = 0;
  try {
    for (const execution of await openDocuments(client)) {
      const problem = await problemWith(client, execution);
      if (problem === null) readable++;
      else unreadable.push(problem);
    }
  } catch (error) {
    logger.warn({ err: error }, "open documents could not be looked at before the start");
  }
  const [first] = unreadable;
  if (first === undefined) return;
  const { message, remedy } = first;
  if (readable === 0) {
    throw new DocketError("PayloadUnreadable", `None of the newest open documents can be read: ${message}`, {
      remedy: `${remedy} Where a key is lost, terminate its documents and hand them in again (docs/operations.md).`,
    });
  }
  logger.error({ failureType: first.type, remedy }, `some open documents cannot be read here: ${message}`);
}

type Execution = { workflowId: string; runId: string };

async function openDocuments(client: Client): Promise<Execution[]> {
  const { executions } = await client.withDeadline(Date.now() + answerMilliseconds, () =>
    client.workflowService.listWorkflowExecutions({
      namespace: client.options.namespace,
      pageSize: mostLookedAt,
      query: `WorkflowType = "${processDocumentType}" AND ExecutionStatus = "Running"`,
    }),
  );
  return (executions ?? []).flatMap(({ execution }) =>
    execution?.workflowId && execution.runId ? { workflowId: execution.workflowId, runId: execution.runId } : [],
  );
}

/** Why the input that a document was started with cannot be read; null where it can, or the document is gone. */
async function problemWith(client: Client, execution: Execution): Promise<DocketError | null> {
  const { namespace, loadedDataConverter } = client.options;
  try {
    const { history } = await client.withDeadline(Date.now() + answerMilliseconds, () =>
      client.workflowService.getWorkflowExecutionHistory({ namespace, execution, maximumPageSize: 1 }),
    );
    const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    for (const codec of loadedDataConverter.payloadCodecs) await codec.decode(payloads);
    return null;
  } catch (error) {
    if (error instanceof DocketError) return error;
    if ((error as { code?: number }).code === notFound) return null;
    throw error;
  }
}
