import type { Line, PageSource } from "../contract/page.ts";
import type { Database } from "../database/client.ts";
import { type Correction, readCorrections } from "../database/page-corrections.ts";

/** A stored page without its geometry. */
export interface PageText {
  /** 1-based. */
  number: number;
  /** What a person corrected, else what was recognised. */
  text: string;
}

/** What of a page is read. */
export interface PageReading {
  /** The recognised text also where a person has corrected it. */
  recognised?: boolean;
}

/** A stored page with everything that is known of it. */
export interface StoredPage extends PageText {
  characters: number;
  /** 0-100; null for a page without words. */
  confidence: number | null;
  width: number | null;
  height: number | null;
  source: PageSource;
  engine: string;
  /** Who corrected the text, and when; null where it is the recognised one. The lines are always the recognised ones. */
  correction: Correction | null;
  lines: Line[];
}

/** The text of a document's pages in their order, a few pages in memory at a time. */
export function readPageTexts(
  database: Database,
  documentId: string,
  reading: PageReading = {},
): AsyncGenerator<PageText> {
  return inBatches(50, async (after, take) => {
    const rows = await database.page.findMany({
      where: { documentId, number: { gt: after } },
      select: { number: true, text: true },
      orderBy: { number: "asc" },
      take,
    });
    const corrections = await correctionsOf(database, documentId, rows, reading);
    return rows.map(({ number, text }) => ({ number, text: corrections.get(number)?.text ?? text }));
  });
}

/** A document's pages with lines, words and geometry, a few pages in memory at a time. */
export function readPages(
  database: Database,
  documentId: string,
  reading: PageReading = {},
): AsyncGenerator<StoredPage> {
  return inBatches(8, async (after, take) => {
    const rows = await database.page.findMany({
      where: { documentId, number: { gt: after } },
      omit: { documentId: true, rawKey: true, storedAt: true },
      orderBy: { number: "asc" },
      take,
    });
    const corrections = await correctionsOf(database, documentId, rows, reading);
    return rows.map((row) => ({
      number: row.number,
      width: row.width,
      height: row.height,
      confidence: row.confidence,
      characters: corrections.get(row.number)?.characters ?? row.characters,
      source: row.source.replaceAll("_", "-") as PageSource,
      engine: row.engine,
      text: corrections.get(row.number)?.text ?? row.text,
      correction: whoAndWhen(corrections.get(row.number)),
      lines: row.lines as unknown as Line[],
    }));
  });
}

function correctionsOf(
  database: Database,
  documentId: string,
  rows: readonly { number: number }[],
  { recognised = false }: PageReading,
) {
  const [first, last] = [rows.at(0), rows.at(-1)];
  if (recognised || first === undefined || last === undefined) return new Map<number, never>();
  return readCorrections(database, documentId, first.number, last.number);
}

function whoAndWhen(correction: Correction | undefined): Correction | null {
  return correction === undefined ? null : { by: correction.by, at: correction.at };
}

async function* inBatches<T extends { number: number }>(
  size: number,
  read: (after: number, take: number) => Promise<T[]>,
): AsyncGenerator<T> {
  let after = 0;
  while (true) {
    const pages = await read(after, size);
    yield* pages;
    after = pages.at(-1)?.number ?? after;
    if (pages.length < size) return;
  }
}
