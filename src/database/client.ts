import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { connectionOptions } from "./connection-options.ts";
import { Prisma, PrismaClient } from "./generated/client.ts";
import { statementNames } from "./statement-names.ts";

/** The typed client of Docket's database. */
export type Database = PrismaClient;

/** What runs statements: a client, a transaction of it, or the driver alone ({@link byDriver}). */
export interface Executor {
  $queryRaw: <Rows = unknown>(query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => Promise<Rows>;
  /** Answers the number of rows that it wrote. */
  $executeRaw: (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => Promise<number>;
}

/** What stands behind a client: its connections, the names of its statements, and the way to run one past Prisma. */
interface Connections {
  pool: pg.Pool;
  nameOf(query: { sql: string }): string;
  executor: Executor;
}

const connectionsOf = new WeakMap<object, Connections>();

/**
 * Opens the database lazily: the first query connects.
 * @param options.url a `postgresql://` address
 * @param options.poolSize most connections of this process
 * @param options.silentMilliseconds longest silence of a connection; default above all that the server may take
 */
export function createDatabase(options: { url: string; poolSize: number; silentMilliseconds?: number }): Database {
  const pool = new pg.Pool({
    ...connectionOptions(options.url, options.silentMilliseconds),
    max: options.poolSize,
    // Before it is silent for too long.
    idleTimeoutMillis: 30_000,
  });
  // A connection that breaks while nobody uses it: whoever needs one next opens another.
  pool.on("error", () => {});
  const nameOf = statementNames(options.url);
  const adapter = new PrismaPg(pool, { statementNameGenerator: nameOf, disposeExternalPool: true });
  const database = new PrismaClient({ adapter, errorFormat: "minimal" });
  const ask = (query: TemplateStringsArray | Prisma.Sql, values: unknown[]) => {
    const { text, values: parameters } = query instanceof Prisma.Sql ? query : Prisma.sql(query, ...values);
    return run(database, text, parameters);
  };
  const executor: Executor = {
    $queryRaw: async <Rows>(query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await ask(query, values)).rows as Rows,
    $executeRaw: async (query, ...values) => (await ask(query, values)).rowCount ?? 0,
  };
  connectionsOf.set(database, { pool, nameOf, executor });
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
  return (await run(database, sql, values)).rowCount ?? 0;
}

/**
 * Runs statements on the client's own connections, past Prisma, which takes four times the processor time for each: for
 * the steps of a document. Each is its own transaction. Whole numbers of 64 bits and decimals come as text: cast them.
 * Its errors are {@link StatementError}s.
 */
export function byDriver(database: Database): Executor {
  return behind(database).executor;
}

function behind(database: Database): Connections {
  const connections = connectionsOf.get(database);
  if (connections === undefined) throw new TypeError("the database was not opened by createDatabase");
  return connections;
}

async function run(database: Database, sql: string, values: unknown[]): Promise<pg.QueryResult> {
  const { pool, nameOf } = behind(database);
  try {
    const name = nameOf({ sql });
    return await pool.query({ text: sql, values, ...(name === "" ? {} : { name }) });
  } catch (cause) {
    const { message, code } = cause as Error & { code?: string };
    // Several addresses that refuse are an error without words.
    throw new StatementError(message || code || "no answer", { cause });
  }
}
