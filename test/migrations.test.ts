import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { migrate, pendingMigrations } from "#docket/database/migrate";
import { createSchemaEngine, readMigrations } from "../scripts/schema-engine.mjs";
import { runCommand } from "./support/stack.ts";

const name = `migrations_${process.pid}`;
let url: string;
let admin: pg.Client;
let database: pg.Client;

beforeAll(async () => {
  const shared = inject("environment")["DATABASE_URL"] ?? "";
  admin = new pg.Client({ connectionString: shared });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  url = Object.assign(new URL(shared), { pathname: `/${name}` }).href;
});
afterAll(async () => {
  await database?.end();
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.end();
});

it("five processes that migrate at once apply each migration once", async () => {
  const pending = await pendingMigrations(url);
  expect(pending.length).toBeGreaterThan(0);
  const answers = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  expect(answers.flatMap(({ applied }) => applied)).toEqual(pending);
  expect(await pendingMigrations(url)).toEqual([]);
});

it("a migration that does not end is waited for in vain only for a time, and its process is named", async () => {
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  try {
    const { rows } = await other.query("SELECT pg_backend_pid() AS pid, pg_advisory_lock(72707369)");
    await expect(migrate(url, { lockMilliseconds: 100 })).rejects.toMatchObject({
      type: "DatabaseUnavailable",
      message: expect.stringContaining(`process ${rows[0].pid}) did not end within 0.1 s`),
      remedy: expect.stringContaining(`pg_terminate_backend(${rows[0].pid})`),
    });
  } finally {
    await other.end();
  }
  expect(await migrate(url)).toEqual({ applied: [] });
});

it("they are recorded as Prisma records them: name, checksum, finished", async () => {
  database = new pg.Client({ connectionString: url });
  await database.connect();
  const { rows } = await database.query("SELECT * FROM _prisma_migrations");
  for (const row of rows) {
    const script = await readFile(`prisma/migrations/${row.migration_name}/migration.sql`);
    expect(row.checksum).toBe(createHash("sha256").update(script).digest("hex"));
    expect(row).toMatchObject({ rolled_back_at: null, applied_steps_count: 1, finished_at: expect.any(Date) });
  }
});

it("Prisma's own engine finds them applied: nothing pending, nothing edited, nothing failed", async () => {
  const engine = await createSchemaEngine(url);
  const diagnosis = await engine.diagnoseMigrationHistory({
    migrationsList: readMigrations(),
    optInToShadowDatabase: false,
    filters: { externalTables: [], externalEnums: [] },
  });
  expect(diagnosis).toMatchObject({
    hasMigrationsTable: true,
    history: null,
    editedMigrationNames: [],
    failedMigrationNames: [],
  });
});

it("the migrations lead to the schema that the code is generated from, by Prisma's own engine", async () => {
  const environment = { ...process.env, DATABASE_URL: url };
  const { code, stdout, stderr } = await runCommand(process.execPath, ["scripts/schema-diff.mjs"], environment);
  expect(stdout).toBe("");
  expect(stderr).toContain("agree");
  expect(code).toBe(0);
});

it.each([
  [
    "a document of no project",
    `INSERT INTO documents (id, project_id, bucket, key, engine, workflow_id, run_id)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'b', 'k', 'textract', 'w', 'r')`,
    "23503",
  ],
  [
    "a complete document with pages missing",
    `INSERT INTO projects (id, slug) VALUES ('11111111-1111-1111-1111-111111111111', 'p');
    INSERT INTO documents (id, project_id, bucket, key, engine, workflow_id, run_id, status, expected_pages, stored_pages,
    characters, finished_at) VALUES (gen_random_uuid(), '11111111-1111-1111-1111-111111111111', 'b', 'k', 'textract',
    'w', 'r', 'complete', 3, 2, 9, now())`,
    "23514",
  ],
  [
    "an engine that does not exist",
    `INSERT INTO documents (id, project_id, bucket, key, engine, workflow_id, run_id)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'b', 'k', 'magic', 'w', 'r')`,
    "22P02",
  ],
  ["a project slug with a slash", "INSERT INTO projects (id, slug) VALUES (gen_random_uuid(), 'a/b')", "23514"],
])("the database itself refuses %s", async (_, statement, sqlState) => {
  await expect(database.query(statement)).rejects.toMatchObject({ code: sqlState });
});
