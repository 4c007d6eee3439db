import { Prisma } from "./generated/client.ts";

/** Days for which Textract keeps the result of a job, from its start on. */
export const resultDays = 7;

/**
 * Condition on a job `j`: it is paid, its result is not stored yet, and Textract forgets it within so many days, having it
 * still.
 */
export function expiresWithin(days: number): Prisma.Sql {
  return Prisma.sql`(j.state IN ('submitted', 'succeeded', 'partial_success') AND j.stored_pages IS NULL
    AND j.submitted_at < now() - (${resultDays}::float8 - ${days}::float8) * interval '1 day'
    AND j.submitted_at > now() - ${resultDays}::float8 * interval '1 day'
    -- What a job read of an object that had been replaced is not kept, on purpose.
    AND j.content NOT LIKE 'unknown/%')`;
}
