import { setInterval } from "node:timers/promises";
import { regionBreaker, resetBreaker } from "#docket/database/circuit-breakers";
import type { Database } from "#docket/database/client";

/**
 * Closes a region's circuit breaker again each second, until it is aborted: for tests of what becomes of single documents,
 * whose failures an unlucky order makes an outage of the region.
 */
export async function keepBreakerClosed(database: Database, region: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of setInterval(1000, undefined, { signal })) {
      await resetBreaker(database, regionBreaker(region));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
