import type { Line, PageSource } from "../contract/page.ts";
import type { Database } from "../database/client.ts";

/** A stored page without its geometry. */
export interface PageText {
  /** 1-based. */
  number: number;
  text: string;
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
  lines: Line[];
}

/** The text of a document's pages in their order, a few pages in memory at a time. */
export function readPageTexts(database: Database, documentId: string): AsyncGenerator<PageText> {
  return inBatches(50, (after, take) =>
    database.page.findMany({
      where: { documentId, number: { gt: after } },
      select: { number: true, text: true },
      orderBy: { number: "asc" },
      take,
    }),
  );
}

/** A document's pages with lines, words and geometry, a few pages in memory at a time. */
export function readPages(database: Database, documentId: string): AsyncGenerator<StoredPage> {
  return inBatches(8, async (after, take) => {
    const rows = await database.page.findMany({
      where: { documentId, number: { gt: after } },
      omit: { documentId: true, rawKey: true, storedAt: true },
      orderBy: { number: "asc" },
      take,
    });
    return rows.map((row) => ({
      number: row.number,
      width: row.width,
      height: row.height,
      confidence: row.confidence,
      characters: row.characters,
      source: row.source.replaceAll("_", "-") as PageSource,
      engine: row.engine,
      text: row.text,
      lines: row.lines as unknown as Line[],
    }));
  });
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
