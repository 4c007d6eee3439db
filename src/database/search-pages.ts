import type { Database } from "./client.ts";
import type { DocumentStatus } from "./generated/enums.ts";

/** What is looked for, and where. */
export interface PageSearch {
  /** Words, "a phrase", `or`, `-not`: PostgreSQL's `websearch_to_tsquery`. */
  phrase: string;
  /** Most pages in the answer. */
  limit: number;
  /** Only documents of this project. */
  project?: string;
  /** Only documents in one of these states; undefined: in any. */
  statuses?: readonly DocumentStatus[];
}

/** A page that was found. */
export interface FoundPage {
  documentId: string;
  fileName: string | null;
  project: string;
  status: DocumentStatus;
  /** 1-based. */
  page: number;
  /** PostgreSQL's rank with cover density: higher is better, comparable within one search only. */
  rank: number;
  /** Parts of the page around the words that were found. */
  snippet: SnippetPart[];
}

/** A run of a snippet's text; `match`: it is what was looked for. */
export interface SnippetPart {
  text: string;
  match: boolean;
}

export interface SearchAnswer {
  /** Best first. */
  pages: FoundPage[];
  /** More pages match than were ranked: the best of all may not be among them. */
  truncated: boolean;
}

/**
 * Pages that match are ranked at most this many: ranking reads a page's whole vector, and a word that stands on every
 * page would make a search read all of them.
 */
export const rankedPages = 1000;

/** Characters of a page that snippets are taken from, as many as the index has. */
export const indexedCharacters = 250_000;

// Control characters, which are taken out of the text first, so that no document can forge a mark.
export const matchStart = "\u0001";
export const matchEnd = "\u0002";
const headline = [
  `StartSel=${matchStart}, StopSel=${matchEnd}`,
  'MaxFragments=2, MinWords=8, MaxWords=22, FragmentDelimiter=" … "',
].join(", ");

/** Whether a phrase has a word that the index knows; one of stop words alone (`the of`) finds nothing anywhere. */
export async function hasSearchWords(database: Pick<Database, "$queryRaw">, phrase: string): Promise<boolean> {
  const [row] = await database.$queryRaw<{ nodes: number }[]>`
    SELECT numnode(websearch_to_tsquery('english', ${searchable(phrase)})) AS nodes`;
  return (row?.nodes ?? 0) > 0;
}

/**
 * Finds pages by their text, best first. The index answers which pages match; the first {@link rankedPages} of them are
 * ranked; snippets are made for those alone that are shown.
 */
export async function searchPages(database: Pick<Database, "$queryRaw">, search: PageSearch): Promise<SearchAnswer> {
  const phrase = searchable(search.phrase);
  const statuses = search.statuses === undefined ? null : [...search.statuses];
  const project = search.project ?? null;
  const rows = await database.$queryRaw<Row[]>`
    WITH candidates AS MATERIALIZED (
      SELECT p.document_id, p.number, p.search_vector
      FROM (
        SELECT document_id, number, search_vector FROM pages
        WHERE search_vector @@ websearch_to_tsquery('english', ${phrase})
          -- What a person corrected counts in place of what was recognised.
          AND NOT EXISTS (SELECT 1 FROM page_corrections c
                          WHERE c.document_id = pages.document_id AND c.number = pages.number)
        UNION ALL
        SELECT document_id, number, search_vector FROM page_corrections
        WHERE search_vector @@ websearch_to_tsquery('english', ${phrase})) p
      WHERE true
        -- A subquery for each page that the index gave, and no join: the planner would begin with the documents, and
        -- ask the index anew for each of them.
        AND (SELECT (${statuses}::text[] IS NULL OR d.status::text = ANY (${statuses}::text[]))
                    AND (${project}::text IS NULL OR d.project_id = (SELECT id FROM projects WHERE slug = ${project}))
             FROM documents d WHERE d.id = p.document_id)
      LIMIT ${rankedPages + 1}::int),
    shown AS MATERIALIZED (
      SELECT document_id, number, ts_rank_cd(search_vector, websearch_to_tsquery('english', ${phrase}), 1) AS rank,
             count(*) OVER () AS matches
      FROM candidates
      ORDER BY rank DESC, document_id, number
      LIMIT ${search.limit}::int)
    SELECT shown.document_id, shown.number, shown.rank, shown.matches::int AS matches, m.file_name, j.slug, d.status::text,
           ts_headline('english', translate(left(coalesce(c.text, p.text), ${indexedCharacters}::int), ${matchStart + matchEnd}, ''),
                       websearch_to_tsquery('english', ${phrase}), ${headline}) AS headline
    FROM shown
    JOIN pages p USING (document_id, number)
    LEFT JOIN page_corrections c USING (document_id, number)
    JOIN documents d ON d.id = shown.document_id
    JOIN projects j ON j.id = d.project_id
    LEFT JOIN document_metadata m ON m.document_id = shown.document_id
    ORDER BY shown.rank DESC, shown.document_id, shown.number`;
  return {
    pages: rows.map((row) => ({
      documentId: row.document_id,
      fileName: row.file_name,
      project: row.slug,
      status: row.status,
      page: row.number,
      rank: row.rank,
      snippet: snippetParts(row.headline),
    })),
    truncated: (rows[0]?.matches ?? 0) > rankedPages,
  };
}

interface Row {
  document_id: string;
  number: number;
  rank: number;
  matches: number;
  file_name: string | null;
  slug: string;
  status: DocumentStatus;
  headline: string;
}

/** PostgreSQL's text cannot hold the null character, and a lone surrogate is not UTF-8. */
export function searchable(phrase: string): string {
  return phrase.replaceAll("\0", " ").toWellFormed();
}

function snippetParts(marked: string): SnippetPart[] {
  const parts: SnippetPart[] = [];
  for (const [i, piece] of marked.replace(/\s+/g, " ").trim().split(matchStart).entries()) {
    const [match, rest] = i === 0 ? ["", piece] : (piece.split(matchEnd, 2) as [string, string | undefined]);
    if (match !== "") parts.push({ text: match, match: true });
    if (rest) parts.push({ text: rest, match: false });
  }
  return parts;
}
