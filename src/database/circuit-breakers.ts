import type { Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";

/** What a breaker answers: go on, or how long to wait (milliseconds) and why. */
export type Admission = { allowed: true } | { allowed: false; waitMilliseconds: number; lastError: string };

export interface BreakerRules {
  /** Failures in a row that open it. */
  threshold: number;
  /** Time until the first probe, milliseconds. */
  openMilliseconds: number;
}

/** A breaker as the command line and the metrics show it. */
export interface BreakerState {
  name: string;
  state: "closed" | "open" | "half-open";
  failures: number;
  lastError: string | null;
  openedAt: Date | null;
  nextProbeAt: Date | null;
}

/** Time that a probe has before another may be tried: the worker that took it may be gone. */
const probeMilliseconds = 60_000;

/** When one document is refused: five failed runs, for five minutes. */
export const documentRules: BreakerRules = { threshold: 5, openMilliseconds: 5 * 60_000 };

/** Name of the breaker of Textract in a region. */
export const regionBreaker = (region: string) => `region/${region}`;
/** Name of the breaker of one document. */
export const documentBreaker = (documentId: string) => `document/${documentId}`;

/** A breaker at one moment; the wait is over when a probe may be taken. Milliseconds. */
export interface BreakerLook {
  state: "closed" | "open" | "half-open";
  /** Failures in a row. */
  failures: number;
  waitMilliseconds: number;
  lastError: string;
}

/** Looks at a breaker without taking anything. */
export async function look(executor: Executor, name: string): Promise<BreakerLook> {
  const [row] = await executor.$queryRaw<
    { state: BreakerLook["state"]; failures: number; wait: number; last_error: string | null }[]
  >`
    SELECT state::text, failures, last_error,
           greatest(0, extract(epoch FROM next_probe_at - clock_timestamp()) * 1000)::float8 AS wait
    FROM circuit_breakers WHERE name = ${name}`;
  const failures = row?.failures ?? 0;
  if (row === undefined || row.state === "closed") {
    return { state: "closed", failures, waitMilliseconds: 0, lastError: "" };
  }
  const lastError = row.last_error ?? "";
  return { state: row.state, failures, waitMilliseconds: row.wait === 0 ? 0 : withJitter(row.wait), lastError };
}

/**
 * Takes the probe of a breaker that is not closed. Exactly one caller in all workers gets it: the update is one
 * statement on one row.
 */
export async function takeProbe(executor: Executor, name: string): Promise<Admission> {
  const probes = await executor.$executeRaw`
    UPDATE circuit_breakers SET state = 'half-open', updated_at = now(),
           next_probe_at = clock_timestamp() + ${probeMilliseconds} * interval '1 millisecond'
    WHERE name = ${name} AND state <> 'closed' AND next_probe_at <= clock_timestamp()`;
  if (probes === 1) return { allowed: true };
  const seen = await look(executor, name);
  // Another one's probe closed it meanwhile.
  if (seen.state === "closed") return { allowed: true };
  return { allowed: false, waitMilliseconds: seen.waitMilliseconds || withJitter(0), lastError: seen.lastError };
}

/** Asks a breaker, and takes the probe when an open one's time has come. */
export async function admit(executor: Executor, name: string): Promise<Admission> {
  const { state, waitMilliseconds, lastError } = await look(executor, name);
  if (state === "closed") return { allowed: true };
  return waitMilliseconds > 0 ? { allowed: false, waitMilliseconds, lastError } : takeProbe(executor, name);
}

/** Somebody's probe is under way: most end within moments. Milliseconds. */
const probeLookMilliseconds = 2000;

/**
 * When it is worth looking at a breaker again, milliseconds. Who meets a probe under way does not wait for the time that
 * a lost probe would have: its end may close the breaker at once.
 */
export function lookAgainIn({ state, waitMilliseconds }: Pick<BreakerLook, "state" | "waitMilliseconds">): number {
  return state === "half-open" ? Math.min(waitMilliseconds, withJitter(probeLookMilliseconds)) : waitMilliseconds;
}

/** A little over the time, so that not everybody who waits asks at the same moment as the probe. */
function withJitter(milliseconds: number): number {
  return Math.ceil(milliseconds) + 500 + Math.random() * 2000;
}

/** Something worked: the breaker closes. */
export async function recordSuccess(executor: Executor, name: string): Promise<void> {
  await executor.$executeRaw`${closeBreaker(name)}`;
}

/** The statement of {@link recordSuccess}, also as a part of another one; it ends in conditions, to which AND adds one. */
export function closeBreaker(name: string): Prisma.Sql {
  return Prisma.sql`
    UPDATE circuit_breakers
    SET state = 'closed', failures = 0, opened_at = NULL, next_probe_at = NULL, updated_at = now()
    WHERE name = ${name} AND (state <> 'closed' OR failures > 0)`;
}

/** Something failed: counts, and opens the breaker at the threshold or when it was the probe that failed. */
export async function recordFailure(
  executor: Executor,
  name: string,
  rules: BreakerRules,
  error: string,
): Promise<void> {
  const { threshold, openMilliseconds } = rules;
  await executor.$executeRaw`
    INSERT INTO circuit_breakers AS b (name, state, failures, last_error, opened_at, next_probe_at)
    VALUES (${name}, (CASE WHEN 1 >= ${threshold}::int THEN 'open' ELSE 'closed' END)::breaker_state, 1, ${error},
            CASE WHEN 1 >= ${threshold}::int THEN now() END,
            CASE WHEN 1 >= ${threshold}::int THEN clock_timestamp() + ${openMilliseconds} * interval '1 millisecond' END)
    ON CONFLICT (name) DO UPDATE SET
      failures = b.failures + 1, last_error = EXCLUDED.last_error, updated_at = now(),
      state = (CASE WHEN b.state = 'closed' AND b.failures + 1 < ${threshold}::int THEN 'closed' ELSE 'open' END)::breaker_state,
      opened_at = CASE WHEN b.state = 'closed' AND b.failures + 1 < ${threshold}::int THEN NULL
                       ELSE coalesce(b.opened_at, now()) END,
      -- Each further failure doubles the time to the next probe, up to 16 times.
      next_probe_at = CASE WHEN b.state = 'closed' AND b.failures + 1 < ${threshold}::int THEN NULL
                           ELSE clock_timestamp() + ${openMilliseconds} * interval '1 millisecond'
                                * power(2, least(4, greatest(0, b.failures + 1 - ${threshold}::int))) END`;
}

/** Every breaker that has seen a failure. */
export async function listBreakers(executor: Executor): Promise<BreakerState[]> {
  return executor.$queryRaw<BreakerState[]>`
    SELECT name, state::text, failures, last_error AS "lastError", opened_at AS "openedAt",
           next_probe_at AS "nextProbeAt"
    FROM circuit_breakers WHERE failures > 0 OR state <> 'closed' ORDER BY state DESC, name LIMIT 1000`;
}

/** Closes a breaker by hand. @returns whether there was one of that name */
export async function resetBreaker(executor: Executor, name: string): Promise<boolean> {
  const rows = await executor.$queryRaw<{ name: string }[]>`SELECT name FROM circuit_breakers WHERE name = ${name}`;
  await recordSuccess(executor, name);
  return rows.length > 0;
}
