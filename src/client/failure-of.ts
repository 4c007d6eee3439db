import { DocketError, type Failure } from "../contract/failures.ts";
import { databaseFailure } from "../database/database-failure.ts";
import { temporalRefusal } from "./temporal-refusal.ts";

// grpc status codes of a server that cannot be asked now: deadline exceeded, unavailable.
const unreachableGrpcCodes = new Set([4, 14]);

/**
 * Any exception of the client's side as type, message and remedy: the libraries' own errors by what they say, and
 * everything unknown as a defect.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof DocketError) return error.toFailure();
  const { name = "", code = "", message = String(error), cause } = (error ?? {}) as ErrorShape;
  // Prisma: a table, a column that does not exist.
  if (code === "P2021" || code === "P2022") {
    return new DocketError("DatabaseUnavailable", `The database lacks Docket's tables: ${lastLine(message)}`, {
      remedy: "Apply the migrations: `docket setup` does, or `npx prisma migrate deploy`.",
    }).toFailure();
  }
  const ofDatabase = databaseFailure(error);
  if (ofDatabase !== null) return ofDatabase.toFailure();
  const refusal = temporalRefusal(error);
  if (refusal !== null) return refusal.toFailure();
  const grpc = [error as ErrorShape, cause as ErrorShape].find((e) => unreachableGrpcCodes.has(Number(e?.code)));
  if (grpc !== undefined) {
    return new DocketError("TemporalUnavailable", `Temporal does not answer: ${grpc.details ?? message}`).toFailure();
  }
  if (code === "ENOSPC") {
    return new DocketError("Internal", "The disk is full.", { remedy: "Make room, then run again." }).toFailure();
  }
  return new DocketError("Internal", message.trim() || name, {
    remedy: "This is a defect in Docket, or a case that it does not know; --verbose shows where it happened.",
  }).toFailure();
}

interface ErrorShape {
  name?: string;
  code?: string | number;
  message?: string;
  details?: string;
  cause?: unknown;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
