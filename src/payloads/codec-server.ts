import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Payload, PayloadCodec } from "@temporalio/common";
import { z } from "zod";
import { DocketError } from "../contract/failures.ts";
import { httpAddress } from "../contract/network.ts";

/** Larger than an answer of the Temporal server may be (4 MiB), in base64. */
const mostBodyBytes = 8 * 1024 * 1024;
const mostConnections = 16;
const keepPreflightSeconds = 600;

export interface CodecServerOptions {
  codec: PayloadCodec;
  /** IP address to listen on. */
  host: string;
  /** 0: any free port. */
  port: number;
  /** Origins of web pages that may ask, as `http://127.0.0.1:8233`; a browser's request from any other is refused. */
  origins: readonly string[];
  /** What every request must bring as `Authorization: Bearer ...`; null: nothing. */
  token: string | null;
}

/** A running codec server. */
export interface CodecServer {
  /** `http://HOST:PORT`, for the Web UI's settings and `temporal --codec-endpoint`. */
  address: string;
  close(): Promise<void>;
}

/**
 * Serves Temporal's protocol for remote codecs: `POST .../encode` and `.../decode` with payloads as JSON. Which key is
 * taken follows from a payload's key id, whatever namespace the caller names.
 * @throws EADDRINUSE when the port is taken
 */
export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 30_000, headersTimeout: 10_000 },
    (request, response) => void respond(options, request, response),
  );
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: httpAddress(address, port),
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Why a request is refused, as the caller is told. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function respond(options: CodecServerOptions, request: IncomingMessage, response: ServerResponse) {
  const answer = (status: number, body: string, more: Record<string, string> = {}) =>
    response
      .writeHead(status, { ...crossOrigin(options, request), "cache-control": "no-store", ...more })
      .end(body === "" ? undefined : body);
  const json = { "content-type": "application/json" };
  try {
    const { origin } = request.headers;
    if (origin !== undefined && !options.origins.includes(origin)) {
      throw new Refusal(403, "Pages of this origin may not ask: name it with --origin.");
    }
    // A browser asks first, without the token.
    if (request.method === "OPTIONS") {
      answer(204, "");
      return;
    }
    if (request.method !== "POST") throw new Refusal(405, "Payloads are posted to /encode or /decode.");
    if (!isAuthorized(options.token, request.headers.authorization)) {
      throw new Refusal(401, "Authorization: Bearer TOKEN is needed, with the token that the server was started with.");
    }
    // What is before the last part is the caller's own: the Web UI's settings may put the namespace there.
    const operation = /\/(encode|decode)$/.exec(request.url?.split("?")[0] ?? "")?.[1];
    if (operation !== "encode" && operation !== "decode") throw new Refusal(404, "There are /encode and /decode.");
    const payloads = parsePayloads(await readBody(request));
    answer(200, JSON.stringify({ payloads: (await options.codec[operation](payloads)).map(toJson) }), json);
  } catch (error) {
    if (response.destroyed) return;
    const { status, message } = refusalOf(error);
    answer(status, JSON.stringify({ message }), json);
  }
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof Refusal) return error;
  if (error instanceof DocketError) return { status: 422, message: `${error.message} ${error.remedy}` };
  return { status: 500, message: "The payloads could not be dealt with." };
}

/** What lets the pages of an allowed origin read the answer. */
function crossOrigin({ origins }: CodecServerOptions, { headers }: IncomingMessage): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined || !origins.includes(origin)) return { vary: "origin" };
  return {
    vary: "origin",
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type, x-namespace",
    "access-control-max-age": `${keepPreflightSeconds}`,
    // Chrome asks for this before a page of the internet may reach loopback.
    ...(headers["access-control-request-private-network"] ? { "access-control-allow-private-network": "true" } : {}),
  };
}

function isAuthorized(token: string | null, header: string | undefined): boolean {
  if (token === null) return true;
  // Hashed, so that the comparison takes as long for every length.
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(header ?? ""), digest(`Bearer ${token}`));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= mostBodyBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  // Only now, with the rest read and dropped: a caller that is still sending would find the connection broken instead.
  if (size > mostBodyBytes) throw new Refusal(413, `More than ${mostBodyBytes} bytes are not taken at once.`);
  return Buffer.concat(chunks).toString("utf8");
}

// Protobuf's JSON of temporal.api.common.v1.Payloads.
const schema = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), z.base64()).nullish(), data: z.base64().nullish() }))
    .max(10_000),
});

function parsePayloads(body: string): Payload[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new Refusal(400, "The body is not JSON.");
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new Refusal(400, 'The body is {"payloads": [{"metadata": {...}, "data": "..."}]} in base64.');
  return parsed.data.payloads.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, text]) => [name, bytesOf(text)])),
    data: bytesOf(data ?? ""),
  }));
}

const bytesOf = (base64: string) => Buffer.from(base64, "base64");

function toJson({ metadata, data }: Payload) {
  const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString("base64");
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, text(bytes)])),
    data: text(data),
  };
}
