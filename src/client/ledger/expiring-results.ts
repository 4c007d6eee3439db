import type { Database } from "../../database/client.ts";
import { expiresWithin, resultDays } from "../../database/expiring-results.ts";
import { type LedgerEntry, type LedgerFilter, selection, toEntry, whereOf } from "./read-ledger.ts";

/** A paid attempt whose result is not stored yet. */
export interface ExpiringEntry extends LedgerEntry {
  /** When Textract forgets the result. */
  expiresAt: Date;
}

/**
 * Paid attempts whose results are not stored yet and that Textract forgets within so many days, the first to be forgotten
 * first, read a few hundred at a time.
 */
export async function* listExpiring(
  database: Database,
  filter: LedgerFilter,
  days: number,
): AsyncGenerator<ExpiringEntry> {
  const batch = 500;
  // By value, not by a row: the one that was read last may be deleted by now.
  let last: { id: string; submittedAt: Date } | undefined;
  while (true) {
    const { submittedAt: after = null, id = null } = last ?? {};
    const found = await database.$queryRaw<{ id: string; submittedAt: Date }[]>`
      SELECT j.id::text, j.submitted_at AS "submittedAt" FROM textract_jobs j
      WHERE ${expiresWithin(days)}
        AND (${after}::timestamptz IS NULL OR (j.submitted_at, j.id) > (${after}::timestamptz, ${id}::uuid))
      ORDER BY j.submitted_at, j.id LIMIT ${batch}`;
    const ids = found.map((row) => row.id);
    const rows = await database.textractJob.findMany({
      where: { AND: [whereOf(filter), { id: { in: ids } }] },
      select: selection,
      orderBy: [{ submittedAt: "asc" }, { id: "asc" }],
    });
    for (const row of rows) {
      const submitted = row.submittedAt?.getTime() ?? 0;
      yield { ...toEntry(row), expiresAt: new Date(submitted + resultDays * 24 * 3600 * 1000) };
    }
    last = found.at(-1);
    if (found.length < batch) return;
  }
}
