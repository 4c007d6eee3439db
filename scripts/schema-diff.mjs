// Prints the SQL that leads from the migrations in prisma/migrations to prisma/schema.prisma; nothing when they agree.
//   DATABASE_URL=postgresql://... npm run schema:diff            look
//   DATABASE_URL=postgresql://... npm run schema:diff -- NAME    write prisma/migrations/<time>_NAME/migration.sql
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createSchemaEngine, migrationsDirectory, readMigrations } from "./schema-engine.mjs";

const url = process.env.DATABASE_URL;
if (!url) {
  console.error(
    "DATABASE_URL is not set: any PostgreSQL where a shadow database may be made, as `docket env` prints it.",
  );
  process.exit(1);
}

const migrations = readMigrations();
const schema = readFileSync(new URL("../prisma/schema.prisma", import.meta.url), "utf8");

const engine = await createSchemaEngine(url);
const { stdout } = await engine.diff({
  from: migrations.migrationDirectories.length === 0 ? { tag: "empty" } : { tag: "migrations", ...migrations },
  to: { tag: "schemaDatamodel", files: [{ path: "schema.prisma", content: schema }] },
  script: true,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
});
const script = /^-- This is an empty migration/.test(stdout) ? "" : stdout;
const name = process.argv[2];
if (script === "") console.error("The migrations and the schema agree.");
else if (name === undefined) console.log(script);
else {
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const directory = new URL(`${stamp}_${name}/`, migrationsDirectory);
  mkdirSync(directory, { recursive: true });
  writeFileSync(new URL("migration.sql", directory), script);
  console.error(`Wrote prisma/migrations/${stamp}_${name}/migration.sql: read it, add what Prisma cannot express.`);
}
process.exit(script !== "" && name === undefined ? 2 : 0);
