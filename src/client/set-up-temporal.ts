import type { Client } from "@temporalio/client";
import proto from "@temporalio/proto";
import { DocketError } from "../contract/failures.ts";
import { searchAttributeNames } from "../contract/process-document.ts";
import { temporalRefusal } from "./temporal-refusal.ts";

const { INDEXED_VALUE_TYPE_INT, INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;
const daySeconds = 86_400;
const answerMilliseconds = 15_000;
const grpc = { deadlineExceeded: 4, notFound: 5, alreadyExists: 6, unavailable: 14, unauthenticated: 16 };

/**
 * Makes the client's namespace where it does not exist.
 * @param retentionDays how long finished workflows stay visible, where it is made
 * @returns whether it was made now
 * @throws {DocketError} `InvalidInput` where the server does not let us, with the other way
 */
export async function ensureNamespace(temporal: Client, retentionDays: number): Promise<boolean> {
  const { namespace } = temporal.options;
  const answered = <T>(call: () => Promise<T>) => temporal.withDeadline(Date.now() + answerMilliseconds, call);
  const missing = await answered(() => temporal.workflowService.describeNamespace({ namespace })).then(
    () => false,
    (error) => {
      if (error.code === grpc.notFound) return true;
      throw refused(`The namespace ${namespace} cannot be looked at`, error, namespace);
    },
  );
  if (!missing) return false;
  const seconds = retentionDays * daySeconds;
  const workflowExecutionRetentionPeriod = proto.google.protobuf.Duration.fromObject({ seconds });
  try {
    await answered(() => temporal.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod }));
  } catch (error) {
    if ((error as { code?: number }).code === grpc.alreadyExists) return false;
    throw refused(`The namespace ${namespace} cannot be made`, error, namespace);
  }
  return true;
}

/**
 * Registers Docket's search attributes that the namespace lacks.
 * @returns the names registered now
 * @throws {DocketError} `InvalidInput` where the server does not let us, with the other way; `TemporalUnavailable` also
 *   for the some ten seconds in which a namespace that was just made is not known to all of the server
 */
export async function ensureSearchAttributes(temporal: Client): Promise<string[]> {
  const { namespace } = temporal.options;
  const { operatorService } = temporal.connection as { operatorService?: OperatorService };
  if (operatorService === undefined) throw new TypeError("the client's connection has no operator service");
  const deadline = Date.now() + answerMilliseconds;
  try {
    const { customAttributes } = await temporal.withDeadline(deadline, () =>
      operatorService.listSearchAttributes({ namespace }),
    );
    const missing = Object.entries(searchAttributeNames).filter(([, name]) => !customAttributes?.[name]);
    if (missing.length === 0) return [];
    const searchAttributes = Object.fromEntries(
      missing.map(([key, name]) => [name, key === "pages" ? INDEXED_VALUE_TYPE_INT : INDEXED_VALUE_TYPE_KEYWORD]),
    );
    await temporal.withDeadline(deadline, () => operatorService.addSearchAttributes({ namespace, searchAttributes }));
    return missing.map(([, name]) => name);
  } catch (error) {
    throw refused(`The search attributes of ${namespace} cannot be registered`, error, namespace);
  }
}

type OperatorService = proto.temporal.api.operatorservice.v1.OperatorService;

function refused(what: string, error: unknown, namespace: string): DocketError {
  const { code, details, message } = error as { code?: number; details?: string; message: string };
  if (code === grpc.deadlineExceeded || code === grpc.unavailable || code === grpc.notFound) {
    return new DocketError("TemporalUnavailable", `${what}: ${details ?? message}`, { cause: error });
  }
  const unknown = code === grpc.unauthenticated ? temporalRefusal(error) : null;
  if (unknown !== null) return unknown;
  return new DocketError("InvalidInput", `${what}: ${details ?? message}`, {
    remedy:
      `Give the credentials that right, or do it yourself: \`temporal operator namespace create --namespace ${namespace}\` ` +
      "and the command that `docket doctor` prints; on Temporal Cloud in its console or with `tcld`.",
    cause: error,
  });
}
