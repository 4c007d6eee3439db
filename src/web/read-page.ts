import type { Line, PageSource } from "../contract/page.ts";
import type { Database } from "../database/client.ts";
import { type CorrectedText, readCorrections } from "../database/page-corrections.ts";

/** A stored page as the list of pages shows it. */
export interface PageSummary {
  /** 1-based. */
  number: number;
  /** 0-100; null for a page without words. */
  confidence: number | null;
}

/** Everything that is shown of one page. */
export interface ShownPage extends PageSummary {
  source: PageSource;
  engine: string;
  text: string;
  lines: Line[];
  /** A person's text of the page, which counts in its place; null: none. */
  correction: CorrectedText | null;
}

/** Pages from a number on, in their order. */
export function readPageSummaries(database: Database, documentId: string, from: number, take: number) {
  return database.page.findMany({
    where: { documentId, number: { gte: from } },
    select: { number: true, confidence: true },
    orderBy: { number: "asc" },
    take,
  });
}

/** @returns null where no text of the page is stored */
export async function readShownPage(database: Database, documentId: string, number: number): Promise<ShownPage | null> {
  const [row, corrections] = await Promise.all([
    database.page.findUnique({
      where: { documentId_number: { documentId, number } },
      select: { number: true, confidence: true, source: true, engine: true, text: true, lines: true },
    }),
    readCorrections(database, documentId, number, number),
  ]);
  if (row === null) return null;
  return {
    ...row,
    source: row.source.replaceAll("_", "-") as PageSource,
    lines: row.lines as unknown as Line[],
    correction: corrections.get(number) ?? null,
  };
}
