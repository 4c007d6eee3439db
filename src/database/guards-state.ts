import type { Executor } from "./client.ts";

/** What the guards that all workers share are doing, for metrics and the doctor. At most 1,000 of each. */
export interface GuardsState {
  regionBreakers: { region: string; state: "closed" | "open" | "half-open" }[];
  /** Documents that are refused at this moment: a breaker stays open until a run, but refuses nobody after its time. */
  openDocumentBreakers: number;
  /** Jobs at work by region, as the ledger knows. */
  jobs: { region: string; count: number }[];
  /** Starts that wait for their turn. */
  waiting: { region: string; count: number }[];
  /** How far ahead the places of a rate are taken. */
  rates: { region: string; operation: string; seconds: number }[];
}

/** Reads the guards' state in one query. */
export async function readGuards(executor: Executor): Promise<GuardsState> {
  const [row] = await executor.$queryRaw<{ state: GuardsState }[]>`
    SELECT json_build_object(
      'regionBreakers', (SELECT coalesce(json_agg(json_build_object('region', substr(name, 8), 'state', state)), '[]')
        FROM (SELECT name, state FROM circuit_breakers WHERE name LIKE 'region/%' ORDER BY name LIMIT 1000) b),
      'openDocumentBreakers',
        (SELECT count(*) FROM circuit_breakers
         WHERE name LIKE 'document/%' AND state <> 'closed' AND next_probe_at > now()),
      'jobs', (SELECT coalesce(json_agg(j), '[]') FROM (
        SELECT region, count(*) AS count FROM textract_jobs
        WHERE state = 'submitted' AND submitted_at > now() - interval '6 hours' GROUP BY region LIMIT 1000) j),
      'waiting', (SELECT coalesce(json_agg(w), '[]') FROM (
        SELECT region, count(*) AS count FROM textract_turns
        WHERE admitted_at IS NULL AND asks_again_at > now() - interval '1 minute' GROUP BY region LIMIT 1000) w),
      'rates', (SELECT coalesce(json_agg(r), '[]') FROM (
        SELECT region, operation, greatest(0, extract(epoch FROM next_at - clock_timestamp())::float8) AS seconds
        FROM textract_rates WHERE operation <> 'jobs' ORDER BY region, operation LIMIT 1000) r)) AS state`;
  if (row === undefined) throw new Error("the query gave no row");
  return row.state;
}
