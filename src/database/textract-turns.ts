import { decideTurn, placesWithin, type TurnDecision } from "../textract/decide-turn.ts";
import type { RatedOperation } from "../textract/quotas.ts";
import type { Database, Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";
import { intervalOf, type Rate, reserve, toleranceOf } from "./textract-rates.ts";

/** A Start that asks for its turn. */
export interface TurnRequest {
  /** The attempt's token: who asks again is the same one. */
  token: string;
  region: string;
  operation: RatedOperation;
  /** 1 (first) to 5 (last). */
  priority: number;
  /** Infinite: no rate. */
  rate: Rate;
  /** Jobs at work at once; infinite: no limit. */
  jobs: number;
}

/** The turn with its place in time (milliseconds until then), or how long to wait before asking again and why. */
export type Turn = { admitted: true; waitMilliseconds: number } | Exclude<TurnDecision, { admitted: true }>;

/** Time for which a worker may hold a turn until the rate lets it go. */
export const mostWaitSeconds = 2;
/** A turn that led to no job within this time is free again: its worker is gone. Longer than the call may take. */
const turnSeconds = 30;
/** Those who ask within this time count as the front of the line. */
const frontSeconds = 15;
/** Who is late by more than this holds up nobody: its worker is gone, or its document. It keeps its place for when it comes back. */
export const goneSeconds = 30;
const mostCounted = 10_000;

/** Milliseconds for a connection of the pool, and for the lock and the few statements under it. */
const patience = { maxWait: 5000, timeout: 8000 };

/** Row of `textract_rates` that stands for a region's job slots, and is locked while a turn is decided. */
const slots = "jobs";

/**
 * Asks for the turn to start a job. The order is priority, then fair place, then age; a job counts as at work from its
 * turn until the ledger knows its end. One transaction under a lock of the region, so that all workers decide one after
 * another.
 */
export async function takeTurn(database: Database, request: TurnRequest): Promise<Turn> {
  return database.$transaction(async (transaction) => {
    const [lock] = await transaction.$queryRaw<{ held: number }[]>`
      INSERT INTO textract_rates AS r (region, operation, next_at) VALUES (${request.region}, ${slots}, clock_timestamp())
      ON CONFLICT (region, operation) DO UPDATE SET next_at = r.next_at
      RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 * 1000 AS held`;
    await standInLine(transaction, request);
    const line = await readLine(transaction, request);
    const { perSecond } = request.rate;
    const decision = decideTurn({ ...line, heldMilliseconds: Math.max(0, lock?.held ?? 0), perSecond });
    const turn = decision.admitted
      ? { admitted: true as const, waitMilliseconds: await takePlace(transaction, request) }
      : // Not all at the same moment.
        { ...decision, waitMilliseconds: decision.waitMilliseconds * (0.9 + Math.random() * 0.2) };
    await writeTurn(transaction, request, turn);
    return turn;
  }, patience);
}

/**
 * Textract had no slot although the ledger had: others use the account. The one that was refused goes back to its
 * place in line, and nobody asks for a while.
 */
export async function giveTurnBack(
  executor: Executor,
  request: Pick<TurnRequest, "token" | "region">,
  holdMilliseconds: number,
): Promise<void> {
  await executor.$executeRaw`
    WITH held AS (
      UPDATE textract_rates SET next_at = clock_timestamp() + ${holdMilliseconds}::float8 * interval '1 millisecond'
      WHERE region = ${request.region} AND operation = ${slots})
    UPDATE textract_turns SET admitted_at = NULL,
           asks_again_at = clock_timestamp() + ${holdMilliseconds}::float8 * interval '1 millisecond'
    WHERE token = ${request.token}`;
}

/**
 * Gives a newcomer its place in line (start-time fair queuing): behind its project's others of the same priority, and not
 * before what was served when it came. So projects take turns, however many documents each has waiting, and one that
 * was away has saved nothing up.
 */
async function standInLine(executor: Executor, request: TurnRequest): Promise<void> {
  const { token, region, operation, priority } = request;
  await executor.$executeRaw`
    INSERT INTO textract_turns AS t (token, region, operation, priority, since, project_id, fair_place, asks_again_at)
    SELECT j.token, ${region}, ${operation}, ${priority}::smallint, j.intended_at, d.project_id,
           greatest(
             coalesce((SELECT served FROM textract_fair_clocks
                       WHERE region = ${region} AND operation = ${operation} AND priority = ${priority}::smallint), 0),
             coalesce((SELECT max(o.fair_place) FROM textract_turns o
                       WHERE o.region = ${region} AND o.operation = ${operation} AND o.priority = ${priority}::smallint
                         AND o.project_id = d.project_id), 0)) + 1,
           clock_timestamp()
    FROM textract_jobs j JOIN documents d ON d.id = j.document_id WHERE j.token = ${token}
    ON CONFLICT (token) DO UPDATE SET
      region = EXCLUDED.region, operation = EXCLUDED.operation, priority = EXCLUDED.priority,
      project_id = EXCLUDED.project_id, fair_place = EXCLUDED.fair_place
    WHERE (t.region, t.operation, t.priority) <> (EXCLUDED.region, EXCLUDED.operation, EXCLUDED.priority)`;
}

async function readLine(executor: Executor, request: TurnRequest) {
  const { token, region, operation, priority, rate, jobs } = request;
  const limited = Number.isFinite(jobs);
  const [row] = await executor.$queryRaw<{ due: number; soon: number; ahead: number; used: number }[]>`
    WITH me AS (SELECT fair_place, since FROM textract_turns WHERE token = ${token}),
    ahead AS (
      SELECT t.asks_again_at FROM textract_turns t, me
      WHERE t.region = ${region} AND t.operation = ${operation}
        AND (t.priority, t.fair_place, t.since, t.token)
            < (${priority}::smallint, me.fair_place, me.since, ${token})
        AND (t.admitted_at IS NULL OR t.admitted_at < clock_timestamp() - ${turnSeconds}::float8 * interval '1 second')
        AND t.asks_again_at > clock_timestamp() - ${goneSeconds}::float8 * interval '1 second'
      LIMIT ${mostCounted}::int)
    SELECT count(*)::int AS ahead,
           count(*) FILTER (WHERE asks_again_at < clock_timestamp() + ${frontSeconds}::float8 * interval '1 second')::int
             AS soon,
           coalesce((SELECT extract(epoch FROM next_at - clock_timestamp())::float8 FROM textract_rates
                     WHERE region = ${region} AND operation = ${operation}), 0::float8) AS due,
           CASE WHEN ${limited} THEN (${slotsInUse(region, token)}) ELSE 0 END AS used
    FROM ahead`;
  const { due = 0, soon = 0, ahead = 0, used = 0 } = row ?? {};
  const tolerance = toleranceOf(rate);
  const places = Number.isFinite(rate.perSecond)
    ? placesWithin(Math.max(due, 0) - tolerance, mostWaitSeconds, intervalOf(rate))
    : Number.POSITIVE_INFINITY;
  return { freeSlots: jobs - used, places, aheadSoon: soon, ahead };
}

/**
 * Selects the number of a region's slots that are taken: by jobs at work by the ledger, and by those that have their turn
 * already. Not counted is what nobody looks at any more: a job older than six hours, or older than fifteen minutes whose
 * document has ended. Should one of them be at work all the same, Textract says so.
 */
export function slotsInUse(region: string, exceptToken: string | null): Prisma.Sql {
  return Prisma.sql`
    SELECT (SELECT count(*)::int FROM textract_jobs j JOIN documents d ON d.id = j.document_id
            WHERE j.region = ${region} AND j.state = 'submitted' AND j.submitted_at > now() - interval '6 hours'
              AND (d.status = 'processing' OR j.submitted_at > now() - interval '15 minutes'))
         + (SELECT count(*)::int FROM textract_turns t JOIN textract_jobs j ON j.token = t.token
            WHERE t.region = ${region} AND t.token IS DISTINCT FROM ${exceptToken}::text AND j.state = 'intended'
              AND t.admitted_at > clock_timestamp() - ${turnSeconds}::float8 * interval '1 second')`;
}

/** The place in time for a request that was let through, and the wait until then, milliseconds. */
async function takePlace(executor: Executor, { region, operation, rate }: TurnRequest): Promise<number> {
  if (!Number.isFinite(rate.perSecond)) return 0;
  return (await reserve(executor, { region, operation }, rate, null)).waitMilliseconds;
}

/** Writes what was decided, and forgets turns whose time is long over. */
async function writeTurn(executor: Executor, request: TurnRequest, turn: Turn): Promise<void> {
  const { token, region, operation, priority } = request;
  const asksAgain = turn.admitted ? 0 : turn.waitMilliseconds;
  // Who waits keeps its place for an hour, whatever becomes of its worker.
  await executor.$executeRaw`
    WITH forgotten AS (
      DELETE FROM textract_turns
      WHERE region = ${region} AND asks_again_at < now() - interval '10 minutes' AND token <> ${token}
        AND (admitted_at IS NOT NULL OR asks_again_at < now() - interval '1 hour')),
    clock AS (
      INSERT INTO textract_fair_clocks AS c (region, operation, priority, served)
      SELECT ${region}, ${operation}, ${priority}::smallint, fair_place FROM textract_turns
      WHERE token = ${token} AND ${turn.admitted}
      ON CONFLICT (region, operation, priority) DO UPDATE SET served = greatest(c.served, EXCLUDED.served))
    UPDATE textract_turns SET
      asks_again_at = clock_timestamp() + ${asksAgain}::float8 * interval '1 millisecond',
      admitted_at = CASE WHEN ${turn.admitted} THEN clock_timestamp() END
    WHERE token = ${token}`;
}
