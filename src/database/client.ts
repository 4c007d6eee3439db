import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";
import { statementNames } from "./statement-names.ts";

/** The typed client of Docket's database. */
export type Database = PrismaClient;

/**
 * Opens the database lazily: the first query connects.
 * @param options.url a `postgresql://` address
 * @param options.poolSize most connections of this process
 */
export function createDatabase(options: { url: string; poolSize: number }): Database {
  const connections = {
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // A statement that runs longer than this is a defect: everything here touches a handful of rows.
    statement_timeout: 60_000,
    keepAlive: true,
  };
  const adapter = new PrismaPg(connections, { statementNameGenerator: statementNames(options.url) });
  return new PrismaClient({ adapter, errorFormat: "minimal" });
}
