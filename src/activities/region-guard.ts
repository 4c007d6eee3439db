import { DocketError, type FailureType } from "../contract/failures.ts";
import { admit, recordFailure, recordSuccess, regionBreaker } from "../database/circuit-breakers.ts";
import type { Database } from "../database/client.ts";
import type { TextractApi } from "../textract/textract-api.ts";
import { NotYet } from "./not-yet.ts";

// What says that the service or our access to it is down, rather than that a document is bad or the rate too high.
const countsAgainstRegion = new Set<FailureType>(["TextractUnavailable", "AccessDenied"]);
const rules = { threshold: 5, openMilliseconds: 15_000 };

/**
 * Textract behind the breaker of its region, shared by all workers through the database. While it is open, a call is
 * "not yet": it costs no attempt and does not reach Textract.
 */
export function guardedTextract(ports: { database: Database; textract: { inRegion(region: string): TextractApi } }): {
  inRegion(region: string): TextractApi;
} {
  return {
    inRegion(region) {
      const api = ports.textract.inRegion(region);
      const guard = <T>(call: () => Promise<T>) => throughBreaker(ports.database, region, call);
      return { start: (request) => guard(() => api.start(request)), get: (request) => guard(() => api.get(request)) };
    },
  };
}

async function throughBreaker<T>(database: Database, region: string, call: () => Promise<T>): Promise<T> {
  const name = regionBreaker(region);
  const admission = await admit(database, name);
  if (!admission.allowed) {
    const message = `The breaker ${name} is open; the last error was: ${admission.lastError}`;
    throw new NotYet("BreakerOpen", message, admission.waitMilliseconds);
  }
  try {
    const result = await call();
    await recordSuccess(database, name);
    return result;
  } catch (error) {
    const counts = error instanceof DocketError && countsAgainstRegion.has(error.type);
    if (counts) await recordFailure(database, name, rules, error.message);
    // Textract answered, if only to refuse: it is there.
    else await recordSuccess(database, name);
    throw error;
  }
}
