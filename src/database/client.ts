import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { PrismaClient } from "./generated/client.ts";
import { statementNames } from "./statement-names.ts";

/** The typed client of Docket's database. */
export type Database = PrismaClient;

/** What stands behind a client: its connections, and the names of its statements. */
interface Connections {
  pool: pg.Pool;
  nameOf(query: { sql: string }): string;
}

const connectionsOf = new WeakMap<object, Connections>();

/**
 * Opens the database lazily: the first query connects.
 * @param options.url a `postgresql://` address
 * @param options.poolSize most connections of this process
 */
export function createDatabase(options: { url: string; poolSize: number }): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // A statement that runs longer than this is a defect: everything here touches a handful of rows.
    statement_timeout: 60_000,
    keepAlive: true,
  });
  // A connection that breaks while nobody uses it: whoever needs one next opens another.
  pool.on("error", () => {});
  const nameOf = statementNames(options.url);
  const adapter = new PrismaPg(pool, { statementNameGenerator: nameOf, disposeExternalPool: true });
  const database = new PrismaClient({ adapter, errorFormat: "minimal" });
  connectionsOf.set(database, { pool, nameOf });
  return database;
}

/** PostgreSQL, or the way to it, refused a statement; `cause` says why. */
export class StatementError extends Error {
  override readonly name = "StatementError";
}

/**
 * Runs a statement on the client's own connections, past Prisma: for one whose parameters are large, because Prisma
 * writes them as JSON and reads them again before they are sent.
 * @param sql with `$1`, `$2`... for the values
 * @returns the number of rows that it wrote
 * @throws {StatementError}
 */
export async function runStatement(database: Database, sql: string, values: unknown[]): Promise<number> {
  const connections = connectionsOf.get(database);
  if (connections === undefined) throw new TypeError("the database was not opened by createDatabase");
  try {
    const name = connections.nameOf({ sql });
    const { rowCount } = await connections.pool.query({ text: sql, values, ...(name === "" ? {} : { name }) });
    return rowCount ?? 0;
  } catch (cause) {
    throw new StatementError((cause as Error).message, { cause });
  }
}
