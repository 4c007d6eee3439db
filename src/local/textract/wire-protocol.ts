import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Encoder, FLOAT32_OPTIONS } from "cbor-x";
import { TextractError } from "./textract-error.ts";

/**
 * The two protocols of the official service model: AWS JSON 1.1 (`POST /` with `X-Amz-Target: Textract.<Operation>`)
 * and Smithy RPC v2 CBOR (`POST /service/Textract/operation/<Operation>`). Every SDK speaks one of them.
 */
export type WireFormat = "json" | "cbor";

export interface Call {
  requestId: string;
  format: WireFormat;
  operation: string;
}

// The model's numbers are 32-bit floats and integers; strict CBOR readers (Go) refuse 64-bit floats for them.
const cbor = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  useFloat32: FLOAT32_OPTIONS.ALWAYS,
});

/** The operation that a request names, or undefined where it is no request of Textract's at all. */
export function readCall(request: IncomingMessage): Call | undefined {
  if (request.method !== "POST") return undefined;
  const path = request.url?.split("?")[0] ?? "";
  const rpc = /^\/service\/Textract\/operation\/(\w+)$/.exec(path);
  if (rpc?.[1] !== undefined) return { requestId: randomUUID(), format: "cbor", operation: rpc[1] };
  if (path !== "/") return undefined;
  const target = String(request.headers["x-amz-target"] ?? "");
  const operation = target.startsWith("Textract.") ? target.slice("Textract.".length) : "";
  return { requestId: randomUUID(), format: "json", operation };
}

/** @throws {TextractError} `SerializationException` for a body that cannot be read as an object */
export function decodeBody(format: WireFormat, body: Buffer): Record<string, unknown> {
  let decoded: unknown;
  try {
    if (body.length === 0) decoded = {};
    else decoded = format === "json" ? JSON.parse(body.toString("utf8")) : cbor.decode(body);
  } catch (error) {
    throw new TextractError("SerializationException", "The request's body cannot be read.", { cause: error });
  }
  if (typeof decoded !== "object" || decoded === null || Array.isArray(decoded)) {
    throw new TextractError("SerializationException", "The request's body is not a structure.");
  }
  return decoded as Record<string, unknown>;
}

/** Sends a result. Members that are undefined must not be in it: CBOR has a value of its own for them. */
export function sendResult(response: ServerResponse, call: Call, result: object): void {
  send(response, call, 200, result);
}

/** Sends the first half of a result, and nothing more; the connection stays open. */
export function sendHalf(response: ServerResponse, call: Call, result: object): void {
  send(response, call, 200, result, (bytes) => response.write(bytes.subarray(0, bytes.length / 2)));
}

/** Sends an error in the form of the call's protocol. */
export function sendError(response: ServerResponse, call: Call, error: TextractError): void {
  const { name, message, status } = error;
  const body =
    call.format === "json"
      ? { __type: name, Code: name, Message: message }
      : { __type: `com.amazonaws.textract#${name}`, message };
  send(response, call, status, body);
}

function send(
  response: ServerResponse,
  call: Call,
  status: number,
  body: object,
  write: (bytes: Buffer) => void = (bytes) => response.end(bytes),
): void {
  const json = call.format === "json";
  const bytes = json ? Buffer.from(JSON.stringify(body), "utf8") : cbor.encode(body);
  response.writeHead(status, {
    "x-amzn-requestid": call.requestId,
    "content-type": json ? "application/x-amz-json-1.1" : "application/cbor",
    ...(json ? {} : { "smithy-protocol": "rpc-v2-cbor" }),
    "content-length": bytes.length,
  });
  write(bytes);
}
