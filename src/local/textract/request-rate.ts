import { textractError } from "./textract-error.ts";

/** Requests a second that each operation takes; without an entry an operation has no limit. */
export type RequestRates = Partial<Record<string, number>>;

/**
 * A bucket of tokens for each operation that holds one second's worth, refilled as time passes.
 * @returns a function that throws `ProvisionedThroughputExceededException` when an operation's rate is used up
 */
export function createRateLimiter(rates: RequestRates): (operation: string) => void {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (operation) => {
    const rate = rates[operation];
    if (rate === undefined) return;
    const now = performance.now();
    const size = Math.max(1, rate);
    const bucket = buckets.get(operation) ?? { tokens: size, at: now };
    const tokens = Math.min(size, bucket.tokens + ((now - bucket.at) / 1000) * rate);
    if (tokens < 1) {
      buckets.set(operation, { tokens, at: now });
      throw textractError("ProvisionedThroughputExceededException");
    }
    buckets.set(operation, { tokens: tokens - 1, at: now });
  };
}
