import { DocketError, type FailureType } from "../contract/failures.ts";

// Prisma's codes for a server that is not there, a pool or transaction that waited too long, and a lost race that
// another try wins (Prisma error reference).
const unavailableCodes = new Set([
  ...["P1000", "P1001", "P1002", "P1003", "P1008", "P1011", "P1017", "P2021", "P2024", "P2028", "P2034", "P2037"],
]);
// PostgreSQL's classes and codes for the same (documentation, appendix A): connection exceptions, insufficient
// resources, shutdown, serialization and deadlock, a standby that was promoted a moment ago, a password that is being
// rotated, a database or table that is not there yet, locks and statements that took too long, transactions that stood still.
const unavailableSqlStates = /^(08|53|57P0|40001|40P01|25006|25P03|28000|28P01|3D000|42P01|55P03|57014)/;
const unavailableKinds = new Set([
  "DatabaseNotReachable",
  "ConnectionClosed",
  "SocketTimeout",
  "TlsConnectionError",
  "TooManyConnections",
  "TransactionAlreadyClosed",
  "TransactionWriteConflict",
]);
const unavailableSystemCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
// OpenSSL's and Node's codes for a certificate that is not to be trusted, or is no more, and what the driver says where the
// server speaks no TLS.
const tlsCodes =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_C|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|ERR_TLS_|ERR_SSL_)/;
const tlsRefused = /SSL connection/;
// Names of the client's errors, besides those of Prisma that begin with its own name.
const clientErrors: (string | undefined)[] = ["DriverAdapterError", "StatementError"];
// What the driver itself says of a connection that the server closed; it reaches us without a name of Prisma's around it.
const driverLostConnection =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/;
const lostConnection =
  /connection (terminated|timeout|ended|error)|timeout exceeded when trying to connect|server closed/i;

interface ErrorShape {
  name?: string;
  message?: string;
  code?: string;
  kind?: string;
  originalCode?: string;
  cause?: unknown;
  meta?: { driverAdapterError?: unknown };
}

/** A typed failure for an error of the database client; null for an error that is not the database's. */
export function databaseFailure(error: unknown): DocketError | null {
  const chain = errorChain(error);
  const ofClient = chain.some(({ name }) => name?.startsWith("PrismaClient") || clientErrors.includes(name));
  if (!ofClient && !chain.some((e) => driverLostConnection.test(e.message ?? ""))) return null;
  const message =
    chain.map((e) => e.message ?? e.kind).find((text) => text !== undefined && text !== "") ?? "no message";
  return new DocketError(typeOf(chain), `PostgreSQL: ${message.trim().split("\n").at(-1)}`, { cause: error });
}

function typeOf(chain: ErrorShape[]): FailureType {
  const unavailable = chain.some(
    (e) =>
      unavailableCodes.has(e.code ?? "") ||
      unavailableSystemCodes.has(e.code ?? "") ||
      unavailableKinds.has(e.kind ?? "") ||
      unavailableSqlStates.test(e.originalCode ?? e.code ?? "") ||
      tlsCodes.test(e.code ?? "") ||
      tlsRefused.test(e.message ?? "") ||
      lostConnection.test(e.message ?? ""),
  );
  if (unavailable) return "DatabaseUnavailable";
  const foreignKey = chain.some((e) => e.code === "P2003" || e.originalCode === "23503" || e.code === "23503");
  return foreignKey ? "RecordMissing" : "Internal";
}

function errorChain(error: unknown, depth = 0): ErrorShape[] {
  if (typeof error !== "object" || error === null || depth > 6) return [];
  const shape = error as ErrorShape;
  return [shape, ...errorChain(shape.cause, depth + 1), ...errorChain(shape.meta?.driverAdapterError, depth + 1)];
}
