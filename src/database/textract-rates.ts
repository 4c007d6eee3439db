import type { RatedOperation } from "../textract/quotas.ts";
import type { Executor } from "./client.ts";

/** A rate as the clock of an operation counts it. */
export interface Rate {
  /** Requests a second. */
  perSecond: number;
}

/** A request's place in time: due after a wait (milliseconds), or no place within the time that was asked for. */
export type Reservation = { reserved: true; waitMilliseconds: number } | { reserved: false; waitMilliseconds: number };

/** Seconds between two requests at the rate. */
export const intervalOf = ({ perSecond }: Rate) => 1 / perSecond;

/** Seconds by which a request may be early: a quarter of a second's worth may leave together after a pause. */
export const toleranceOf = (rate: Rate) => (Math.max(1, Math.floor(rate.perSecond / 4)) - 1) * intervalOf(rate);

/**
 * Takes the next place in time for one request (generic cell rate algorithm): one statement on the row of the region's
 * operation, by the database's clock, so that all workers together keep the rate.
 * @param mostWaitMilliseconds take no place that is further away than this; null: take it however far
 */
export async function reserve(
  executor: Executor,
  place: { region: string; operation: RatedOperation },
  rate: Rate,
  mostWaitMilliseconds: number | null,
): Promise<Reservation> {
  const { region, operation } = place;
  const interval = intervalOf(rate);
  const tolerance = toleranceOf(rate);
  const [taken] = await executor.$queryRaw<{ wait: number }[]>`
    INSERT INTO textract_rates AS r (region, operation, next_at)
    VALUES (${region}, ${operation}, clock_timestamp() + ${interval}::float8 * interval '1 second')
    ON CONFLICT (region, operation) DO UPDATE
    SET next_at = greatest(r.next_at, clock_timestamp()) + ${interval}::float8 * interval '1 second'
    WHERE ${mostWaitMilliseconds === null}
       OR r.next_at <= clock_timestamp() + ${tolerance + (mostWaitMilliseconds ?? 0) / 1000}::float8 * interval '1 second'
    RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - ${interval + tolerance}::float8 AS wait`;
  if (taken !== undefined) return { reserved: true, waitMilliseconds: Math.max(0, taken.wait * 1000) };
  const [row] = await executor.$queryRaw<{ wait: number }[]>`
    SELECT extract(epoch FROM next_at - clock_timestamp())::float8 - ${tolerance}::float8 AS wait
    FROM textract_rates WHERE region = ${region} AND operation = ${operation}`;
  return { reserved: false, waitMilliseconds: Math.max(0, (row?.wait ?? 0) * 1000) };
}

/** Textract throttled although the rate was kept (somebody else uses the account): everybody pauses for a second. */
export async function pause(
  executor: Executor,
  place: { region: string; operation: RatedOperation },
  rate: Rate,
): Promise<void> {
  await executor.$executeRaw`
    UPDATE textract_rates
    SET next_at = greatest(next_at, clock_timestamp() + ${1 + toleranceOf(rate)}::float8 * interval '1 second')
    WHERE region = ${place.region} AND operation = ${place.operation}`;
}
