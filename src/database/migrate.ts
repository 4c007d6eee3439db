import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import pg from "pg";
import { DocketError } from "../contract/failures.ts";
import { connectionOptions } from "./connection-options.ts";

/** Where the migrations stand, for the source tree and the built one alike. */
const migrationsDirectory = new URL("../../prisma/migrations/", import.meta.url);

// Prisma takes this lock while it migrates; taking the same one keeps the two from migrating at once.
const prismaMigrateLock = 72707369;

/** How long another migration is waited for, milliseconds. */
const lockMilliseconds = 60_000;
const lockNotAvailable = "55P03";

const createMigrationsTable = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;

/** A migration as it stands in `prisma/migrations`. */
interface Migration {
  name: string;
  script: string;
  /** Hexadecimal SHA-256 of the script, as Prisma records it. */
  checksum: string;
}

async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(migrationsDirectory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const script = await readFile(new URL(`${name}/migration.sql`, migrationsDirectory), "utf8");
      return { name, script, checksum: createHash("sha256").update(script).digest("hex") };
    }),
  );
}

/**
 * Applies the migrations that are not applied yet, each in a transaction of its own, under the lock and in the table
 * that Prisma uses, so that `prisma migrate deploy` and `status` agree with what was done. Running it twice, or from
 * several processes at once, applies each migration once.
 * @returns the names of the migrations applied now
 * @param options.lockMilliseconds how long another migration is waited for
 * @throws {DocketError} `DatabaseUnavailable` when the server does not answer or another migration does not end,
 *   `Internal` when an applied migration was edited afterwards
 */
export async function migrate(url: string, options = { lockMilliseconds }): Promise<{ applied: string[] }> {
  // A migration may take its time, and only what stands still in the middle of one is ended.
  const { statement_timeout: _, stream: __, ...unlimited } = connectionOptions(url);
  const client = await connect(unlimited);
  try {
    await takeLock(client, options.lockMilliseconds);
    await client.query(createMigrationsTable);
    const applied: string[] = [];
    for (const migration of await pendingOf(client)) {
      await apply(client, migration);
      applied.push(migration.name);
    }
    return { applied };
  } finally {
    await client.end();
  }
}

/** Names of the migrations that a database still lacks; all of them for an empty database. */
export async function pendingMigrations(url: string): Promise<string[]> {
  const client = await connect(connectionOptions(url));
  try {
    const { rows } = await client.query("SELECT to_regclass('_prisma_migrations') IS NOT NULL AS present");
    const pending = rows[0].present ? await pendingOf(client) : await readMigrations();
    return pending.map((migration) => migration.name);
  } finally {
    await client.end();
  }
}

/** The lock is the session's: it is free again when the connection ends. */
async function takeLock(client: pg.Client, milliseconds: number): Promise<void> {
  try {
    await client.query("SELECT set_config('lock_timeout', $1, false)", [String(milliseconds)]);
    await client.query("SELECT pg_advisory_lock($1)", [prismaMigrateLock]);
    await client.query("RESET lock_timeout");
  } catch (cause) {
    if ((cause as { code?: string }).code !== lockNotAvailable) throw cause;
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = $1 AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [prismaMigrateLock],
    );
    const holder = rows[0] === undefined ? "" : ` (PostgreSQL's process ${rows[0].pid})`;
    throw new DocketError(
      "DatabaseUnavailable",
      `Another migration of this database${holder} did not end within ${milliseconds / 1000} s.`,
      {
        remedy:
          "Wait until it has ended, and run `docket setup` again; one whose machine is gone is ended by " +
          `\`SELECT pg_terminate_backend(${rows[0]?.pid ?? "PID"})\`.`,
        cause,
      },
    );
  }
}

async function connect(options: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(options);
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch (cause) {
    throw new DocketError("DatabaseUnavailable", `PostgreSQL does not answer: ${(cause as Error).message}`, { cause });
  }
}

async function pendingOf(client: pg.Client): Promise<Migration[]> {
  const { rows } = await client.query<{ migration_name: string; checksum: string }>(
    "SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
  );
  const appliedChecksums = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  const migrations = await readMigrations();
  const edited = migrations.find((m) => appliedChecksums.has(m.name) && appliedChecksums.get(m.name) !== m.checksum);
  if (edited) {
    throw new DocketError("Internal", `Migration ${edited.name} was edited after it was applied to this database.`, {
      remedy: "Restore the migration's file and put the change into a new migration.",
    });
  }
  return migrations.filter((migration) => !appliedChecksums.has(migration.name));
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(migration.script);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
       VALUES ($1, $2, now(), $3, 1)`,
      [randomUUID(), migration.checksum, migration.name],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}
