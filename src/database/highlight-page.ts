import type { Database } from "./client.ts";
import { indexedCharacters, matchEnd, matchStart, searchable } from "./search-pages.ts";

const headline = `HighlightAll=true, StartSel=${matchStart}, StopSel=${matchEnd}`;

/**
 * The words of a page that a phrase finds, as they stand there, in lower case: what a reader of the page wants marked.
 * The forms of a word are PostgreSQL's, as in the search itself.
 */
export async function matchedWords(
  database: Pick<Database, "$queryRaw">,
  page: { documentId: string; number: number },
  phrase: string,
): Promise<Set<string>> {
  // As in the search, a person's text counts in place of what was recognised.
  const [row] = await database.$queryRaw<{ marked: string }[]>`
    SELECT ts_headline('english',
                       translate(left(coalesce(c.text, p.text), ${indexedCharacters}::int), ${matchStart + matchEnd}, ''),
                       websearch_to_tsquery('english', ${searchable(phrase)}), ${headline}) AS marked
    FROM pages p LEFT JOIN page_corrections c USING (document_id, number)
    WHERE p.document_id = ${page.documentId}::uuid AND p.number = ${page.number}::int
      AND CASE WHEN c.number IS NULL THEN p.search_vector ELSE c.search_vector END
          @@ websearch_to_tsquery('english', ${searchable(phrase)})`;
  const pieces = (row?.marked ?? "").split(matchStart).slice(1);
  return new Set(pieces.map((piece) => bareWord(piece.split(matchEnd, 1)[0] ?? "")));
}

/** A word without the punctuation around it, in lower case. */
export function bareWord(word: string): string {
  return word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "").toLowerCase();
}
