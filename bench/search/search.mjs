// How long a search takes over many pages: npm run bench:search -- [--pages 100000] [--json] [--keep FOLDER]
//
// Fills an embedded PostgreSQL of its own with pages (in a temporary folder, removed afterwards), then searches it as
// `docket search` does, and prints the median. The pages have no lines with geometry: searching does not read them.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createDatabase } from "#docket/database/client";
import { migrate } from "#docket/database/migrate";
import { searchPages } from "#docket/database/search-pages";
import { startPostgres } from "#docket/local/postgres";
import { readOptions } from "../support/options.mjs";
import { createPageMaker, createRandom } from "./corpus.mjs";

const options = readOptions(import.meta.url, {
  pages: 100_000,
  repeat: 5,
  minutes: 15,
  json: false,
  keep: null,
});
const pageCount = Math.min(1_000_000, options.pages);
const wordsOfPage = 300;
const pagesOfDocument = 20;
const deadline = setTimeout(() => {
  process.stderr.write(`Not done within ${options.minutes} minutes.\n`);
  process.exit(1);
}, options.minutes * 60_000);

/** What is searched, by kind. */
const phrases = {
  "rare word": ["xobaten", "quiperlo", "zebulwin", "elcor"],
  "frequent word": ["agreement", "court", "page", "shall"],
  "several words": ["notice tenant rent", "harbour gate", "witness deposition", "board minutes"],
  phrase: ['"notice of default"', '"northern harbour gate"', '"timber across the channel"', '"of the court"'],
  boolean: ["deposition or affidavit", "agreement -tenant", '"notice of default" or lease', "court -order -notice"],
  "nothing there": ["zyzzyva", '"zebulwin agreement court"'],
};

const folder = options.keep ?? (await mkdtemp(join(tmpdir(), "docket-bench-search-")));
const postgres = await startPostgres(join(folder, "postgres"));
const database = createDatabase({ url: postgres.url, poolSize: 2 });
try {
  await migrate(postgres.url);
  const fillSeconds = await fill(postgres.url);
  const kinds = [];
  const all = [];
  for (const [kind, searches] of Object.entries(phrases)) {
    const times = [];
    for (const phrase of searches) {
      // The first one fills PostgreSQL's cache, as a working archive has it.
      for (let i = 0; i <= options.repeat; i++) {
        const start = performance.now();
        const { pages } = await searchPages(database, { phrase, limit: 10, statuses: ["complete"] });
        const milliseconds = performance.now() - start;
        if (i > 0) times.push({ phrase, milliseconds, found: pages.length });
      }
    }
    all.push(...times);
    kinds.push({ kind, ...spread(times) });
  }
  const result = { pages: pageCount, wordsOfPage, fillSeconds, cpus: cpus().length, ...spread(all), kinds };
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
} finally {
  await database.$disconnect();
  await postgres.stop();
  if (options.keep === null) await rm(folder, { recursive: true, force: true });
  clearTimeout(deadline);
}

async function fill(/** @type {string} */ url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const started = performance.now();
  try {
    const { rows } = await client.query("SELECT count(*)::int AS count FROM pages");
    if (rows[0].count === pageCount) return 0;
    await client.query("TRUNCATE projects CASCADE");
    // The index is built once at the end, as a restored database has it.
    await client.query("DROP INDEX IF EXISTS pages_search_vector_idx");
    const makePage = createPageMaker();
    const random = createRandom(7);
    const projects = Array.from({ length: 20 }, () => randomUUID());
    for (const [i, id] of projects.entries()) {
      await client.query("INSERT INTO projects (id, slug) VALUES ($1, $2)", [id, `project-${i}`]);
    }
    for (let done = 0; done < pageCount; ) {
      const count = Math.min(pagesOfDocument, pageCount - done);
      const id = randomUUID();
      const project = projects[Math.floor(random() * projects.length)];
      const texts = Array.from({ length: count }, () => makePage(wordsOfPage));
      await client.query(
        `WITH document AS (
           INSERT INTO documents (id, project_id, bucket, key, status, engine, features, workflow_id, run_id, expected_pages,
                                  stored_pages, characters, finished_at)
           VALUES ($1::uuid, $2, 'bench', $1::uuid::text, 'complete', 'local', '{}', $1::uuid::text, 'bench', $3, $3, 0, now())
           RETURNING id),
         metadata AS (
           INSERT INTO document_metadata (document_id, file_name, source, updated_at)
           SELECT id, id || '.pdf', 'bench', now() FROM document)
         INSERT INTO pages (document_id, number, text, characters, lines, source, engine, written_by)
         SELECT id, number, text, char_length(text), '[]', 'recognition', 'local', 'bench'
         FROM document, unnest($4::text[]) WITH ORDINALITY AS page (text, number)`,
        [id, project, count, texts],
      );
      done += count;
      if (done % 10_000 === 0) process.stderr.write(`${done} of ${pageCount} pages written\n`);
    }
    await client.query('CREATE INDEX pages_search_vector_idx ON pages USING GIN ("search_vector")');
    await client.query("ANALYZE");
  } finally {
    await client.end();
  }
  return Math.round((performance.now() - started) / 1000);
}

/** @param {{ phrase: string, milliseconds: number }[]} times */
function spread(times) {
  const sorted = times.toSorted((a, b) => a.milliseconds - b.milliseconds);
  const at = (/** @type {number} */ share) => {
    const { milliseconds } = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? {
      milliseconds: 0,
    };
    return Math.round(milliseconds * 10) / 10;
  };
  return {
    searches: sorted.length,
    median: at(0.5),
    p95: at(0.95),
    slowest: at(1),
    slowestPhrase: sorted.at(-1)?.phrase,
  };
}

/** @param {{ pages: number, kinds: { kind: string, median: number, p95: number, slowest: number }[], median: number, p95: number, slowest: number }} result */
function print(result) {
  const row = (/** @type {(string | number)[]} */ cells) =>
    process.stdout.write(
      `${String(cells[0]).padEnd(16)}${cells
        .slice(1)
        .map((cell) => String(cell).padStart(10))
        .join("")}\n`,
    );
  process.stdout.write(`${result.pages} pages of ${wordsOfPage} words; milliseconds\n`);
  row(["search for", "median", "p95", "slowest"]);
  for (const { kind, median, p95, slowest } of result.kinds) row([kind, median, p95, slowest]);
  row(["all", result.median, result.p95, result.slowest]);
}
