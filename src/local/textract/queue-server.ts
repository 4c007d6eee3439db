import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { TextractError } from "./textract-error.ts";
import { decodeBody } from "./wire-protocol.ts";

const targetPrefix = "AmazonSQS.";

/** The operation of SQS that a request names (AWS JSON 1.0), or undefined where it is no request of SQS'. */
export function readQueueCall(request: IncomingMessage): string | undefined {
  const target = String(request.headers["x-amz-target"] ?? "");
  return request.method === "POST" && target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : undefined;
}

/** Answers one call of SQS: signature, the operation, and its error. */
export function createQueueServer(ports: {
  readBody(request: IncomingMessage): Promise<Buffer>;
  verify(request: IncomingMessage, body: Buffer): Promise<void>;
  run(operation: string, input: Record<string, unknown>, signal: AbortSignal): Promise<object>;
  /** Ends calls that wait for a message. */
  stopping: AbortSignal;
  /** Told of errors that are no answer of the service's. */
  onError(error: unknown): void;
}) {
  return async function serve(request: IncomingMessage, response: ServerResponse, operation: string): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const body = await ports.readBody(request);
      await ports.verify(request, body);
      const signal = AbortSignal.any([gone.signal, ports.stopping]);
      send(response, 200, await ports.run(operation, decodeBody("json", body), signal));
    } catch (error) {
      if (response.destroyed) return;
      if (!(error instanceof TextractError)) ports.onError(error);
      const known = error instanceof TextractError ? error : new TextractError("InternalServerError", String(error));
      send(response, known.status, { __type: `com.amazonaws.sqs#${known.name}`, message: known.message });
    }
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": randomUUID() });
  response.end(JSON.stringify(body));
}
