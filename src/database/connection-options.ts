import type { ClientConfig } from "pg";

/**
 * How long the server lets a transaction be open with nothing to do, milliseconds. The locks of a machine that vanished in
 * the middle of one, such as the one under which all workers of a region take their turns, are free after that time
 * instead of after the system's own two hours for a connection that is silent.
 */
const idleTransactionMilliseconds = 60_000;

/** A statement that runs longer than this is a defect: everything here touches a handful of rows. Milliseconds. */
const statementMilliseconds = 60_000;

/**
 * What every connection to the database has.
 * @param url with `pgbouncer=true` the times are not sent, because PgBouncer refuses connections that bring them: they
 *   are the role's then (docs/operations.md, "Connections")
 */
export function connectionOptions(url: string): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    ...(isPooled(url)
      ? {}
      : {
          statement_timeout: statementMilliseconds,
          idle_in_transaction_session_timeout: idleTransactionMilliseconds,
        }),
  };
}

/** Whether a proxy that hands connections from one process to another between transactions is said to be in between. */
export function isPooled(url: string): boolean {
  return /[?&]pgbouncer=true\b/.test(url);
}
