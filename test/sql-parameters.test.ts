import { beforeAll, expect, it } from "vitest";
import { sourceFiles } from "./support/source-files.ts";

// SQL is made of constant text and parameters. Prisma's tagged templates ($queryRaw`...`) turn every ${value} into a
// parameter; what could put a value into the text itself is looked for here, and each exception has its reason.

const exceptions: Record<string, string> = {
  'src/database/client.ts: pool.query({ text: sql, values, ...(name === "" ? {} : { name }) })':
    "the one way past Prisma, runStatement: its callers are looked at below",
  "src/database/store-pages.ts: runStatement(database":
    "the places of the parameters are numbered there, one for each value of a row; every value is a parameter",
  "src/database/document-reader.ts: pool.query(text, values)).rows as Row[]":
    "the one way of that file to ask: its callers give constant text, and every value as a parameter",
  "src/database/migrate.ts: client.query(createMigrationsTable)": "a constant of the same file",
  "src/database/migrate.ts: client.query(migration.script)": "a migration's own script, from the package's folder",
  "src/local/postgres.ts: client.query(`CREATE DATABASE ${database}`)":
    "a constant name; PostgreSQL takes no parameters in CREATE DATABASE",
};

let calls: { where: string; kind: string }[];

beforeAll(async () => {
  calls = (await sourceFiles("src")).flatMap(({ file, text }) => findUnsafe(file, text));
});

function findUnsafe(file: string, source: string) {
  const text = source.replace(/\(\s+/g, "(");
  const found = [
    // Functions of Prisma that take SQL as a string.
    ...text.matchAll(/\$(?:queryRaw|executeRaw)Unsafe\b[^;\n]*/g),
    ...text.matchAll(/\bPrisma\.raw\([^;\n]*/g),
    // Prisma's functions called as such, not as a tag of a template.
    ...text.matchAll(/\$(?:queryRaw|executeRaw)(?:<[^`;]*>)?\((?!Prisma\.sql`)[^;\n]*/g),
    // The way past Prisma: whatever its text is made of.
    ...text.matchAll(/(?<!function )\brunStatement\([^;\n]*/g),
    // The driver's own: anything but a constant string (no template with values, no variable).
    ...text.matchAll(
      /\b(?:client|pool|connection)\s*\.query\((?!\s*"[^"]*"\s*[,)])(?!\s*`(?:[^`$]|\$(?!\{))*`\s*[,)])[^;\n]*/g,
    ),
  ];
  return found.map(([call]) => ({ where: `${file}: ${call.trim().replace(/,?\s*$/, "")}`, kind: call }));
}

it("no value gets into the text of a statement, but for the exceptions that have a reason", () => {
  expect(calls.map(({ where }) => where).filter((where) => !(where in exceptions))).toEqual([]);
});

it("no exception is left over", () => {
  const seen = new Set(calls.map(({ where }) => where));
  expect(Object.keys(exceptions).filter((where) => !seen.has(where))).toEqual([]);
});

/* biome-ignore-start lint/suspicious/noTemplateCurlyInString: code to look at, not to run */
it.each([
  'database.$queryRawUnsafe("SELECT " + name)',
  "database.$executeRawUnsafe(`DELETE FROM x WHERE id = '${id}'`)",
  "Prisma.raw(name)",
  "database.$queryRaw<Row[]>(statement)",
  "client.query(`SELECT ${name}`)",
  "client.query(statement, [1])",
  "runStatement(database, statement, [1])",
])("would be found: %s", (code) => expect(findUnsafe("x.ts", code)).toHaveLength(1));

it.each([
  "database.$queryRaw<Row[]>`SELECT ${name}`",
  "database.$executeRaw`DELETE FROM x WHERE id = ${id}`",
  "database.$queryRaw(Prisma.sql`SELECT ${name}`)",
  'client.query("SELECT 1 FROM x WHERE id = $1", [id])',
])("is a statement with parameters: %s", (code) => expect(findUnsafe("x.ts", code)).toEqual([]));
/* biome-ignore-end lint/suspicious/noTemplateCurlyInString: code to look at, not to run */
