import type { FailureType } from "../contract/failures.ts";
import { failureOf } from "./failure-of.ts";

/** How people know the services that a command speaks to; those that it does not speak to are left out. */
export interface ServiceAddresses {
  database?: { url: string };
  temporal?: { address: string };
  storage?: { bucket: string; endpoint: string | undefined };
}

/** A service that does not answer at this moment. */
export interface Outage {
  type: FailureType;
  /** In words, for example `S3 at http://127.0.0.1:9000: refused`. */
  what: string;
}

// What says that nobody answers, in a word or two. A wrong password or a missing table is no outage: it does not pass.
const wordsByCode: Record<string, string> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "connection reset",
  ECONNABORTED: "connection reset",
  EPIPE: "connection reset",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EAI_AGAIN: "name not found",
  ENOTFOUND: "name not found",
  TimeoutError: "no answer",
  // Prisma: not reachable, too slow, closed; no free connection.
  DatabaseNotReachable: "refused",
  ConnectionClosed: "connection closed",
  SocketTimeout: "no answer",
  P1001: "refused",
  P1002: "no answer",
  P1008: "no answer",
  P1017: "connection closed",
  P2024: "no free connection",
  // PostgreSQL: too many connections, shutting down, crashed, starting.
  "53300": "too many connections",
  "57P01": "shutting down",
  "57P02": "shutting down",
  "57P03": "starting",
};
const closedConnection = /connection terminated|connection error and is not queryable|premature close/i;

/** The outage that an error of the client's side tells of; null for an error that does not pass by waiting. */
export function outageOf(error: unknown, services: ServiceAddresses): Outage | null {
  const { type, message } = failureOf(error);
  const place = placeOf(type, services);
  if (place === null) return null;
  const chain = errorChain(error);
  // The server's own word on what is wrong is more precise than a lost connection around it.
  const word = chain.map(wordOf).find((found) => found !== undefined);
  if (word !== undefined) return { type, what: `${place}: ${word}` };
  if (type !== "TemporalUnavailable") return null;
  return { type, what: `${place}: ${/refused/i.test(message) ? "refused" : "no answer"}` };
}

function placeOf(type: FailureType, { storage, database, temporal }: ServiceAddresses): string | null {
  if (type === "StorageUnavailable" && storage !== undefined) {
    return storage.endpoint === undefined ? `S3, bucket ${storage.bucket}` : `S3 at ${storage.endpoint}`;
  }
  if (type === "DatabaseUnavailable" && database !== undefined) {
    // Without user and password. A Unix socket has no host.
    const host = URL.canParse(database.url) ? new URL(database.url).host : "";
    return host === "" ? "PostgreSQL" : `PostgreSQL at ${host}`;
  }
  return type === "TemporalUnavailable" && temporal !== undefined ? `Temporal at ${temporal.address}` : null;
}

interface ErrorShape {
  name?: string;
  code?: string | number;
  kind?: string;
  originalCode?: string;
  message?: string;
  cause?: unknown;
  errors?: unknown[];
  meta?: { driverAdapterError?: unknown };
  $metadata?: { httpStatusCode?: number };
}

function wordOf(error: ErrorShape): string | undefined {
  const { originalCode, code, kind, name, message = "", $metadata } = error;
  for (const key of [originalCode, code, kind, name]) {
    const word = wordsByCode[String(key)];
    if (word !== undefined) return word;
  }
  const status = $metadata?.httpStatusCode;
  if (status !== undefined && (status >= 500 || status === 429)) return `answers ${status}`;
  return closedConnection.test(message) ? "connection closed" : undefined;
}

function errorChain(error: unknown, depth = 0): ErrorShape[] {
  if (typeof error !== "object" || error === null || depth > 6) return [];
  const shape = error as ErrorShape;
  const inner = [shape.meta?.driverAdapterError, shape.cause, ...(shape.errors ?? [])];
  return [...inner.flatMap((each) => errorChain(each, depth + 1)), shape];
}
