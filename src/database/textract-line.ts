import type { RatedOperation } from "../textract/quotas.ts";
import type { Database, Executor } from "./client.ts";
import { Prisma } from "./generated/client.ts";
import { intervalOf, toleranceOf } from "./textract-rates.ts";
import { goneSeconds, mostWaitSeconds, slotsInUse } from "./textract-turns.ts";

/** One of those that sleep in line. */
export interface Sleeper {
  token: string;
  workflowId: string;
}

/**
 * Whoever was called and has not asked within this time is called again: the call may be lost. It holds nobody up by then;
 * and should it only wait for a worker, calling it sooner would put it at the end of the queue once more.
 */
const lostSeconds = 120;
/**
 * So many are on their way to free slots at once. Each that has taken one calls the next, so that a hundred slots which become
 * free together are filled within seconds, and a line that the rate holds up is not called as a whole.
 */
const mostAtOnce = 5;

/** Selects whether somebody stands in a region's line. */
export function isLine(region: string): Prisma.Sql {
  return Prisma.sql`
    SELECT EXISTS (SELECT 1 FROM textract_turns WHERE region = ${region} AND admitted_at IS NULL)`;
}

/** Regions with a line for job slots. */
export async function regionsWithLine(executor: Executor): Promise<string[]> {
  const rows = await executor.$queryRaw<{ region: string }[]>`
    SELECT r.region FROM textract_rates r
    WHERE r.operation = 'jobs'
      AND EXISTS (SELECT 1 FROM textract_turns t WHERE t.region = r.region AND t.admitted_at IS NULL)
    ORDER BY r.region LIMIT 100`;
  return rows.map(({ region }) => region);
}

/**
 * Chooses those that are to be called: of the first in line, as many as there are free slots, those that sleep. Where text
 * and analysis have a line each, their first ones go by priority and age. From now on a slot is kept for who is called,
 * until it has asked or is late. Those whose document has ended are passed over, and those that an overtaken run left
 * there, whose document is read in another way by now: its workflow would not ask with their token. Nobody is called while
 * others than Docket have the slots, because then the one that found it out tries again.
 *
 * Of each line no more are called than its rate has places for: they would only be told to wait for it, which they do by
 * asking at its pace.
 *
 * Under the region's lock, as turns are decided, so that two that free slots at once do not call for each other's too.
 * @param limits of the region: job slots, and Starts a second (infinite: no rate)
 */
export async function chooseSleepers(
  database: Database,
  region: string,
  limits: Record<StartOperation | "concurrentJobs", number>,
): Promise<Sleeper[]> {
  const second = Prisma.sql`interval '1 second'`;
  const lock = database.$queryRaw`
    SELECT 1 FROM textract_rates WHERE region = ${region} AND operation = 'jobs' FOR UPDATE`;
  const choice = database.$queryRaw<Sleeper[]>`
    WITH wanted AS MATERIALIZED (
      SELECT CASE WHEN EXISTS (SELECT 1 FROM textract_rates
                               WHERE region = ${region} AND operation = 'jobs' AND next_at > clock_timestamp()) THEN 0
             ELSE greatest(0, least(${mostAtOnce}::int,
                                    ${limits.concurrentJobs}::int - (${slotsInUse(region, null)}))) END AS count),
    -- The rate's places within a time, as placesWithin counts them.
    line AS MATERIALIZED (
      SELECT operation, within, least(count, greatest(0, coalesce(
               floor((within + tolerance - coalesce((
                 SELECT greatest(0, extract(epoch FROM next_at - clock_timestamp())::float8) FROM textract_rates r
                 WHERE r.region = ${region} AND r.operation = rate.operation), 0)) / "interval") + 1, count)))::int AS count
      FROM wanted, (VALUES ${rateOf("startText", limits)}, ${rateOf("startAnalysis", limits)})
                     AS rate (operation, "interval", tolerance, within)),
    first AS (
      SELECT ahead.* FROM line CROSS JOIN LATERAL (
        SELECT t.token, t.priority, t.since, t.asks_again_at, d.workflow_id, line.within
        FROM textract_turns t JOIN textract_jobs j ON j.token = t.token JOIN documents d ON d.id = j.document_id
        WHERE t.region = ${region} AND t.operation = line.operation AND t.admitted_at IS NULL
          AND j.state IN ('intended', 'refused') AND d.status = 'processing'
          AND d.features = j.features AND d.engine <> 'local'
          AND NOT (t.asks_again_at > clock_timestamp() - ${lostSeconds}::float8 * ${second}
                   AND t.asks_again_at <= clock_timestamp() - ${goneSeconds}::float8 * ${second})
        ORDER BY t.priority, t.fair_place, t.since, t.token
        LIMIT line.count FOR UPDATE OF t SKIP LOCKED) AS ahead
      ORDER BY ahead.priority, ahead.since LIMIT (SELECT count FROM wanted)),
    chosen AS (
      SELECT token, workflow_id FROM first
      WHERE asks_again_at > clock_timestamp() + within * ${second}
         OR asks_again_at <= clock_timestamp() - ${goneSeconds}::float8 * ${second})
    UPDATE textract_turns t SET asks_again_at = clock_timestamp() FROM chosen WHERE t.token = chosen.token
    RETURNING t.token, chosen.workflow_id AS "workflowId"`;
  const [, chosen] = await database.$transaction([lock, choice]);
  return chosen;
}

type StartOperation = Extract<RatedOperation, "startText" | "startAnalysis">;

/**
 * A line's rate as values: seconds between two Starts, null without a rate; seconds by which one may be early; and seconds
 * within which a place counts, and who asks by itself needs no call. A slow rate has its next place further away than a
 * turn may be held: the first in line is called for it once, and waits for it then.
 */
function rateOf(operation: StartOperation, limits: Record<StartOperation, number>): Prisma.Sql {
  const rate = { perSecond: limits[operation] };
  const interval = intervalOf(rate);
  const [seconds, tolerance] = interval > 0 ? [interval, toleranceOf(rate)] : [null, 0];
  const within = Math.max(mostWaitSeconds, interval);
  return Prisma.sql`(${operation}, ${seconds}::float8, ${tolerance}::float8, ${within}::float8)`;
}

/** Takes those out of the line whose workflow is gone. One that comes back stands in it anew. */
export async function takeOutOfLine(executor: Executor, tokens: readonly string[]): Promise<void> {
  await executor.$executeRaw`
    DELETE FROM textract_turns WHERE token = ANY(${[...tokens]}::text[]) AND admitted_at IS NULL`;
}

/**
 * Takes a document that ends, or that another run takes over, out of the lines in which it stands.
 * @param kept for what it goes on to stand in line; null: nothing
 * @param kept.meantBy the first run of the workflow that has meant the attempt; null: whichever
 * @returns the regions of the lines that it has left
 */
export async function leaveLines(
  executor: Executor,
  documentId: string,
  kept: { features: readonly string[]; content: string | null; meantBy: string | null } | null = null,
): Promise<string[]> {
  const { features, content, meantBy } = kept ?? { features: [], content: null, meantBy: null };
  const rows = await executor.$queryRaw<{ region: string }[]>`
    DELETE FROM textract_turns t USING textract_jobs j
    WHERE j.document_id = ${documentId}::uuid AND t.token = j.token AND t.admitted_at IS NULL
      AND (j.features = ${[...features]}::text[] AND j.content = ${content}
           AND j.run_id = coalesce(${meantBy}, j.run_id)) IS NOT TRUE
    RETURNING t.region`;
  return rows.map(({ region }) => region);
}
