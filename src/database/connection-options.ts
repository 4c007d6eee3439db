import { Socket } from "node:net";
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
 * How long nothing may come and go on an open connection, milliseconds: longer than the server lets a statement run and
 * a transaction stand still, so that only a server that vanished is silent for so long. TCP itself takes a quarter of an
 * hour to notice, or two hours.
 */
const silentMilliseconds = 75_000;

/** What PgBouncer adds: a statement waits so long for a connection of its own (`query_wait_timeout`). */
const pooledMilliseconds = 120_000;

/** Until the system asks a server that is silent whether it is still there; milliseconds. */
const keepAliveMilliseconds = 30_000;

/**
 * What every connection to the database has. One that is silent for too long is ended, whether or not a statement is
 * under way: who keeps connections gives them back, or lets them go, before.
 * @param url with `pgbouncer=true` the times are not sent, because PgBouncer refuses connections that bring them: they
 *   are the role's then (docs/operations.md, "Connections")
 * @param silent longest silence, milliseconds
 */
export function connectionOptions(url: string, silent = longestSilence(url)): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMilliseconds,
    stream: () => limitedSocket(silent),
    ...(isPooled(url)
      ? {}
      : {
          statement_timeout: statementMilliseconds,
          idle_in_transaction_session_timeout: idleTransactionMilliseconds,
        }),
  };
}

function longestSilence(url: string): number {
  return isPooled(url) ? silentMilliseconds + pooledMilliseconds : silentMilliseconds;
}

/** The driver's own time for a query frees who waits for it, and gives a connection back that still waits. */
function limitedSocket(silent: number): Socket {
  const socket = new Socket();
  // In words by which the driver, too, tells of a connection that is lost.
  const lost = () => socket.destroy(new Error(`Connection terminated: PostgreSQL said nothing for ${silent / 1000} s`));
  return socket.setTimeout(silent, lost);
}

/** Whether a proxy that hands connections from one process to another between transactions is said to be in between. */
export function isPooled(url: string): boolean {
  return /[?&]pgbouncer=true\b/.test(url);
}
