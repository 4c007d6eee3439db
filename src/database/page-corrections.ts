import { DocketError } from "../contract/failures.ts";
import { characterCount, storable } from "../contract/page-row.ts";
import type { Database } from "./client.ts";
import { recordEvent } from "./document-events.ts";

/** Who corrected a page, and when. */
export interface Correction {
  by: string;
  at: Date;
}

/** A person's text of a page. */
export interface CorrectedText extends Correction {
  text: string;
  characters: number;
}

/** A page that somebody should look at. */
export interface DoubtfulPage {
  documentId: string;
  fileName: string | null;
  project: string;
  /** 1-based. */
  page: number;
  /** 0-100. */
  confidence: number;
  characters: number;
  /** The first characters of the page, on one line. */
  beginning: string;
}

/** Characters of a correction; a page of print has some thousands. */
export const longestCorrection = 1_000_000;

/** Corrections of a document's pages by their numbers, from one number to another. */
export async function readCorrections(
  database: Pick<Database, "pageCorrection">,
  documentId: string,
  from: number,
  to: number,
): Promise<Map<number, CorrectedText>> {
  const rows = await database.pageCorrection.findMany({
    where: { documentId, number: { gte: from, lte: to } },
    select: { number: true, text: true, characters: true, correctedBy: true, correctedAt: true },
  });
  return new Map(
    rows.map(({ number, text, characters, correctedBy: by, correctedAt: at }) => [
      number,
      { text, characters, by, at },
    ]),
  );
}

/**
 * Pages of complete and incomplete documents whose confidence is below a limit and which nobody has corrected, the
 * least certain first. A page without words has no confidence and is not listed.
 * @param search.below 0-100
 */
export async function doubtfulPages(
  database: Pick<Database, "$queryRaw">,
  search: { below: number; project: string | null; limit: number },
): Promise<DoubtfulPage[]> {
  return database.$queryRaw<DoubtfulPage[]>`
    SELECT p.document_id::text AS "documentId", m.file_name AS "fileName", j.slug AS project, p.number AS page,
           p.confidence, p.characters, regexp_replace(left(p.text, 120), '\\s+', ' ', 'g') AS beginning
    FROM pages p
    JOIN documents d ON d.id = p.document_id
    JOIN projects j ON j.id = d.project_id
    LEFT JOIN document_metadata m ON m.document_id = d.id
    WHERE p.confidence < ${search.below} AND d.status IN ('complete', 'incomplete')
      AND (${search.project}::text IS NULL OR j.slug = ${search.project})
      AND NOT EXISTS (SELECT 1 FROM page_corrections c WHERE c.document_id = p.document_id AND c.number = p.number)
    ORDER BY p.confidence, p.document_id, p.number
    LIMIT ${search.limit}::int`;
}

/**
 * Stores a person's text of a page; what was recognised stays as it is. A second correction replaces the first, and the
 * document's trail names both.
 * @throws {DocketError} `RecordMissing` for a page that is not stored, `InvalidInput` for a text that is too long
 */
export async function correctPage(
  database: Database,
  correction: { documentId: string; page: number; text: string; by: string },
): Promise<CorrectedText> {
  const { documentId, page, by } = correction;
  const text = storable(correction.text);
  const characters = characterCount(text);
  if (characters > longestCorrection) {
    throw new DocketError("InvalidInput", `The text of page ${page} has ${characters} characters.`, {
      remedy: `A correction has at most ${longestCorrection} characters: it is the text of one page.`,
    });
  }
  return database.$transaction(async (transaction) => {
    const runId = await requirePage(transaction, documentId, page);
    const key = { documentId, number: page };
    const row = { text, characters, correctedBy: by, correctedAt: new Date() };
    await transaction.pageCorrection.upsert({
      where: { documentId_number: key },
      create: { ...key, ...row },
      update: row,
    });
    const discriminator = `${page} ${row.correctedAt.toISOString()}`;
    const detail = { page, by, characters };
    await recordEvent(transaction, { documentId, runId, kind: "page-corrected", discriminator, detail });
    return { text, characters, by, at: row.correctedAt };
  });
}

/**
 * Takes a correction away: the recognised text counts again.
 * @returns false where there was none
 */
export async function removeCorrection(
  database: Database,
  { documentId, page, by }: { documentId: string; page: number; by: string },
): Promise<boolean> {
  return database.$transaction(async (transaction) => {
    const runId = await requirePage(transaction, documentId, page);
    const { count } = await transaction.pageCorrection.deleteMany({ where: { documentId, number: page } });
    if (count === 0) return false;
    const discriminator = `${page} ${new Date().toISOString()}`;
    const event = { documentId, runId, kind: "correction-removed" as const, discriminator, detail: { page, by } };
    await recordEvent(transaction, event);
    return true;
  });
}

/** @returns the run that owns the document */
async function requirePage(transaction: Pick<Database, "page">, documentId: string, number: number): Promise<string> {
  const page = await transaction.page.findUnique({
    where: { documentId_number: { documentId, number } },
    select: { document: { select: { runId: true } } },
  });
  if (page !== null) return page.document.runId;
  throw new DocketError("RecordMissing", `No text is stored of page ${number} of document ${documentId}.`, {
    remedy: "`docket status` tells how many pages the document has, and `docket text --json` which are stored.",
  });
}
