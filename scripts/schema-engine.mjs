// Loads Prisma's schema engine from its WebAssembly package: the native one is downloaded from a host that closed
// networks do not reach. A development tool; at run time src/database/migrate.ts applies the migrations.
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";

export const migrationsDirectory = new URL("../prisma/migrations/", import.meta.url);

/** The migrations on disk, in the form that the engine takes. */
export function readMigrations() {
  const entries = existsSync(migrationsDirectory) ? readdirSync(migrationsDirectory, { withFileTypes: true }) : [];
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir: migrationsDirectory.pathname,
    lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"\n' },
    shadowDbInitScript: "",
    migrationDirectories: names.sort().map((name) => {
      const value = readFileSync(new URL(`${name}/migration.sql`, migrationsDirectory), "utf8");
      return { path: name, migrationFile: { path: "migration.sql", content: { tag: "ok", value } } };
    }),
  };
}

/** @param {string} connectionString a server on which a shadow database may be made; it is dropped afterwards */
export async function createSchemaEngine(connectionString) {
  const file = new URL("schema_engine_bg.wasm", import.meta.resolve("@prisma/schema-engine-wasm"));
  const { instance } = await WebAssembly.instantiate(readFileSync(file), { "./schema_engine_bg.js": bindings });
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: console.error };
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const factory = bindMigrationAwareSqlAdapterFactory(new SchemaEngineFactory(connectionString));
  return bindings.SchemaEngine.new({ datamodels: undefined }, () => {}, factory);
}

// The published adapter is made for queries of the client. For the schema engine three things need help: scripts are
// split at every semicolon, those inside functions too; columns of PostgreSQL's internal type "char" are refused;
// and the shadow database is dropped while a connection to it is open.
class SchemaEngineFactory {
  provider = "postgres";
  adapterName = "@prisma/adapter-pg";

  /** @param {string} connectionString */
  constructor(connectionString) {
    this.connectionString = connectionString;
  }

  connect() {
    return connectForSchemaEngine(this.connectionString);
  }

  async connectToShadowDb() {
    const database = `docket_shadow_${randomUUID()}`;
    await administer(this.connectionString, `CREATE DATABASE "${database}"`);
    const shadow = new URL(this.connectionString);
    shadow.pathname = `/${database}`;
    const adapter = await connectForSchemaEngine(shadow.href);
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await administer(this.connectionString, `DROP DATABASE "${database}" WITH (FORCE)`);
    };
    return adapter;
  }
}

/** @param {string} connectionString */
async function connectForSchemaEngine(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 1 });
  const query = pool.query.bind(pool);
  /** @type {number[]} */
  let charColumns = [];
  const charType = 18;
  const textType = 25;
  pool.query = async (/** @type {any[]} */ ...parameters) => {
    const result = await query(...parameters);
    charColumns = [];
    for (const [index, field] of (result.fields ?? []).entries()) {
      if (field.dataTypeID !== charType) continue;
      field.dataTypeID = textType;
      charColumns.push(index);
    }
    return result;
  };
  const adapter = await new PrismaPg(pool, { disposeExternalPool: true }).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (parameters) => {
    const result = await queryRaw(parameters);
    for (const index of charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  adapter.executeScript = async (script) => void (await query(script));
  return adapter;
}

/**
 * @param {string} connectionString
 * @param {string} statement
 */
async function administer(connectionString, statement) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(statement);
  await client.end();
}
