import type { z } from "zod";
import {
  type OperationName,
  operationNames,
  requestShapes,
  type StartRequest,
  type SynchronousRequest,
} from "./request-shapes.ts";
import { TextractError, textractError } from "./textract-error.ts";

/** @throws {TextractError} `UnknownOperationException` for an operation that the endpoint does not serve */
export function servedOperation(name: string): OperationName {
  const known = operationNames.find((operation) => operation === name);
  if (known !== undefined) return known;
  const message = `The local Textract endpoint does not serve ${name === "" ? "a request without X-Amz-Target" : name}.`;
  throw new TextractError("UnknownOperationException", message);
}

/**
 * Checks a request against the model's shape. A member of the wrong kind, a missing or an unknown value are what AWS
 * services refuse before the operation sees them (`SerializationException`, `ValidationException`); lengths and
 * patterns are Textract's own to refuse (`InvalidParameterException`; boto3#2653 and boto3#2379 show it for patterns).
 */
export function validateRequest<Name extends OperationName>(
  operation: Name,
  input: Record<string, unknown>,
): z.infer<(typeof requestShapes)[Name]> {
  const parsed = requestShapes[operation].safeParse(withoutNulls(input), { reportInput: true });
  if (parsed.success) return parsed.data as z.infer<(typeof requestShapes)[Name]>;
  throw shapeError(parsed.error.issues);
}

/** @throws {TextractError} `InvalidParameterException` for what the shape allows and the operation does not */
export function checkStart(request: StartRequest, region: string): void {
  if (request.DocumentLocation.S3Object === undefined) {
    throw textractError("InvalidParameterException", "DocumentLocation.S3Object is missing");
  }
  const topicRegion = request.NotificationChannel?.SNSTopicArn.split(":")[3];
  if (topicRegion !== undefined && topicRegion !== region) {
    throw textractError("InvalidParameterException", `the SNS topic must be in ${region}, not in ${topicRegion}`);
  }
  checkAnalysis(request, 30);
}

/** Bytes of a document given with the request, or undefined where it is in S3. */
export function checkSynchronous(request: SynchronousRequest): Uint8Array | undefined {
  const { Bytes: bytes, S3Object: object } = request.Document;
  if ((bytes === undefined) === (object === undefined)) {
    throw textractError("InvalidParameterException", "give either Document.Bytes or Document.S3Object");
  }
  if (request.HumanLoopConfig !== undefined) {
    throw textractError("InvalidParameterException", "the local endpoint starts no human review (HumanLoopConfig)");
  }
  checkAnalysis(request, 15);
  if (bytes === undefined) return undefined;
  if (typeof bytes === "string" && /[^A-Za-z0-9+/=]/.test(bytes)) {
    throw new TextractError("SerializationException", "The value at 'document.bytes' is not base64.");
  }
  const decoded = typeof bytes === "string" ? Buffer.from(bytes, "base64") : bytes;
  if (decoded.length === 0) throw textractError("InvalidParameterException", "Document.Bytes is empty");
  return decoded;
}

// Queries a page: 15 in synchronous operations, 30 in asynchronous ones (developer guide, set quotas).
function checkAnalysis(request: Partial<StartRequest & SynchronousRequest>, maxQueries: number): void {
  const { FeatureTypes: features, QueriesConfig: queries, AdaptersConfig: adapters } = request;
  if (features === undefined) return;
  const refuse = (detail: string) => textractError("InvalidParameterException", detail);
  if (features.length === 0) throw refuse("FeatureTypes is empty");
  if (features.includes("QUERIES") !== (queries !== undefined)) {
    throw refuse("QUERIES and QueriesConfig go together");
  }
  if ((queries?.Queries.length ?? 0) > maxQueries) throw refuse(`more than ${maxQueries} queries`);
  const adapter = adapters?.Adapters[0];
  if (adapter !== undefined) throw refuse(`the local endpoint has no adapter ${adapter.AdapterId}`);
}

function shapeError(issues: readonly z.core.$ZodIssue[]): TextractError {
  const [first] = issues;
  if (first === undefined) return textractError("InvalidParameterException");
  const path = first.path.map((part) => (typeof part === "number" ? `${part + 1}.member` : lowerFirst(String(part))));
  const at = path.join(".");
  if (first.code === "invalid_type" && first.input === undefined) {
    const constraint = `Value at '${at}' failed to satisfy constraint: Member must not be null`;
    return new TextractError("ValidationException", `1 validation error detected: ${constraint}`);
  }
  if (first.code === "invalid_value") {
    const constraint = `Member must satisfy enum value set: [${first.values.join(", ")}]`;
    const message = `1 validation error detected: Value '${String(first.input)}' at '${at}' failed to satisfy constraint: ${constraint}`;
    return new TextractError("ValidationException", message);
  }
  if (first.code === "invalid_type" || first.code === "invalid_union") {
    return new TextractError("SerializationException", `The value at '${at}' is not of the type that the model has.`);
  }
  return textractError("InvalidParameterException", `'${at}': ${first.message}`);
}

// A member that is null is a member that was not sent (AWS JSON 1.1).
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
