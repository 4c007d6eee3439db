import { DocketError } from "../contract/failures.ts";
import { databaseFailure } from "../database/database-failure.ts";

/** Every error that an activity meets as a typed failure; what nobody expected is `Internal`. */
export function toDocketError(error: unknown): DocketError {
  if (error instanceof DocketError) return error;
  const fromDatabase = databaseFailure(error);
  if (fromDatabase !== null) return fromDatabase;
  const { message = String(error), code, name } = (error ?? {}) as { message?: string; code?: string; name?: string };
  if (networkCodes.has(code ?? "") || name === "TimeoutError") {
    return new DocketError("StorageUnavailable", `A connection broke: ${message}`, { cause: error });
  }
  if (code === "ENOSPC") {
    return new DocketError("StorageUnavailable", `No space is left on the disk: ${message}`, {
      remedy: "Free space on the disk that holds the temporary folder; the work waits.",
      cause: error,
    });
  }
  return new DocketError("Internal", message, { cause: error });
}

// What a socket or a stream says when the other side is gone in the middle of a body.
const networkCodes = new Set([
  ...["ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"],
  "ERR_STREAM_PREMATURE_CLOSE",
]);
