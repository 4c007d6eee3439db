import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, type Faults, throwIfRefused } from "./faults.ts";
import type { OperationName } from "./request-shapes.ts";
import { TextractError } from "./textract-error.ts";
import { servedOperation } from "./validate-request.ts";
import { type Call, decodeBody, sendError, sendHalf, sendResult } from "./wire-protocol.ts";

/** Answers one call of an operation: signature, faults on command, rate, the operation itself, and its error. */
export function createCallServer(ports: {
  readBody(request: IncomingMessage): Promise<Buffer>;
  verify(request: IncomingMessage, body: Buffer): Promise<void>;
  checkRate(operation: string): void;
  faults: Faults;
  run(operation: OperationName, input: Record<string, unknown>, gone: AbortSignal): Promise<object>;
  expire(jobId: string): Promise<void>;
  /** The key of the document that a job reads; undefined for a job that is not known. */
  keyOfJob(jobId: string): string | undefined;
  /** Told of errors that are no answer of Textract's. */
  onError(error: unknown): void;
}) {
  return async function serve(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const { result, fault } = await answer(request, call, gone.signal);
      if (fault === "reset-before" || fault === "reset-after") request.socket.resetAndDestroy();
      else if (fault === "half-answer") sendHalf(response, call, result);
      else sendResult(response, call, result);
    } catch (error) {
      if (response.destroyed) return;
      if (!(error instanceof TextractError)) ports.onError(error);
      const known = error instanceof TextractError ? error : new TextractError("InternalServerError", String(error));
      sendError(response, call, known);
    }
  };

  /** @returns the result, and what is to happen to it */
  async function answer(
    request: IncomingMessage,
    call: Call,
    gone: AbortSignal,
  ): Promise<{ result: object; fault: Fault["kind"] | undefined }> {
    const body = await ports.readBody(request);
    await ports.verify(request, body);
    const operation = servedOperation(call.operation);
    const input = decodeBody(call.format, body);
    const fault = ports.faults.takeForRequest(operation, keyOf(input), input["NextToken"] !== undefined);
    if (fault?.kind === "reset-before") return { result: {}, fault: fault.kind };
    throwIfRefused(fault);
    ports.checkRate(operation);
    if (fault?.kind === "expired" && typeof input["JobId"] === "string") await ports.expire(input["JobId"]);
    const result = await ports.run(operation, input, gone);
    if (fault?.kind === "slow-answer") await delay(fault.milliseconds, undefined, { signal: gone });
    return { result, fault: fault?.kind };
  }

  function keyOf(input: Record<string, unknown>): string | undefined {
    if (typeof input["JobId"] === "string") return ports.keyOfJob(input["JobId"]);
    const holder = (input["DocumentLocation"] ?? input["Document"]) as { S3Object?: { Name?: unknown } } | undefined;
    const name = holder?.S3Object?.Name;
    return typeof name === "string" ? name : undefined;
  }
}
