import { Prisma } from "./generated/client.ts";

/**
 * The attempts of documents that are deleted by now, as their deletions keep them: SQL that gives `project`, `region`,
 * `features` (JSON), `state`, `job_id`, `pages`, `expected_pages`, `cost_usd`, `intended_at`, `submitted_at`. Deletions of
 * earlier releases kept neither state nor times: the state is null, and the document's hand-in stands for both times.
 */
export const deletedJobs = Prisma.sql`
  SELECT x.project, job ->> 'region' AS region, job -> 'features' AS features, job ->> 'state' AS state,
         job ->> 'jobId' AS job_id, (job ->> 'pages')::int AS pages, x.pages AS expected_pages,
         (job ->> 'costUsd')::numeric AS cost_usd,
         coalesce((job ->> 'intendedAt')::timestamptz, x.received_at) AS intended_at,
         coalesce((job ->> 'submittedAt')::timestamptz, (job ->> 'intendedAt')::timestamptz, x.received_at) AS submitted_at
  FROM deletions x, jsonb_array_elements(x.jobs) AS job`;
