import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Services } from "../../client/connect.ts";
import { ServiceWait } from "../../client/service-wait.ts";
import { requireReadable } from "../../config/database-address.ts";
import { loadConfig } from "../../config.ts";
import { DocketError } from "../../contract/failures.ts";
import { createDatabase, type Database } from "../../database/client.ts";
import { interruptible, untilAborted } from "../interrupt.ts";
import { invocation } from "../invocation.ts";
import { outageNotes } from "../service-wait.ts";
import { useVariables } from "./environment.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";

/**
 * The running stack that a command talks to, its variables put into this process's environment; null when the
 * environment names services of its own, which come first.
 * @throws {DocketError} `InvalidInput` when there is neither
 */
export async function attach(dataDirectory: string): Promise<StackFile | null> {
  if (process.env["DATABASE_URL"] && process.env["DOCKET_BUCKET"]) return null;
  const stack = await readStackFile(resolve(dataDirectory));
  if (stack === null) {
    throw new DocketError(
      "InvalidInput",
      `No stack runs with ${dataDirectory}, and the environment names no services.`,
      {
        remedy: `Run \`${invocation()} up\` in another terminal, or set the variables of docs/configuration.md.`,
      },
    );
  }
  useVariables(stack.environment);
  return stack;
}

/** How a command waits for services that do not answer. */
export interface Waiting {
  /** Longest wait, seconds. */
  seconds: number;
  signal?: AbortSignal;
}

/** For commands that answer at once, if only to say that a service is down. */
export const noWait: Waiting = { seconds: 0 };

/**
 * Runs something with all services of the running stack or of the environment, with a way to wait for those that do not
 * answer. The wait ends early when the stack is stopped.
 */
export async function withServices<T>(
  dataDirectory: string,
  waiting: Waiting,
  use: (services: Services, stack: StackFile | null, wait: ServiceWait) => Promise<T>,
): Promise<T> {
  const stack = await attach(dataDirectory);
  const wait = new ServiceWait({
    services: loadConfig(process.env),
    limitMilliseconds: waiting.seconds * 1000,
    signal: waiting.signal,
    onChange: outageNotes(),
    isPointless: async () => (stack === null ? null : stackGone(dataDirectory)),
  });
  // Temporal's client takes 50 MiB: commands that need the database alone go without.
  const { connectServices } = await import("../../client/connect.ts");
  const services = await wait.through(() => connectServices(process.env));
  try {
    return await use(services, stack, wait);
  } finally {
    await services.close();
  }
}

async function stackGone(dataDirectory: string): Promise<{ why: string; remedy: string } | null> {
  if ((await readStackFile(resolve(dataDirectory))) !== null) return null;
  const remedy = `Nothing of it was handed in: run \`${invocation()} up\`, then hand it in again.`;
  return { why: `the stack of ${dataDirectory} was stopped`, remedy };
}

/**
 * Runs something with the database alone: of the environment, of the running stack, or, when neither is there, the
 * embedded PostgreSQL of the data folder, which is started for this and stopped again, also at Ctrl-C.
 */
export async function withDatabase<T>(
  dataDirectory: string,
  waiting: Waiting,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  return withDatabaseAddress(dataDirectory, async (url, interrupted) => {
    const database = createDatabase({ url, poolSize: 4 });
    const wait = new ServiceWait({
      services: { database: { url } },
      limitMilliseconds: waiting.seconds * 1000,
      signal: waiting.signal,
      onChange: outageNotes(),
    });
    const ask = async () => {
      if (waiting.seconds > 0) await wait.through(() => database.$queryRaw`SELECT 1`);
      return use(database);
    };
    try {
      return await untilAborted(ask(), interrupted);
    } finally {
      const disconnected = database.$disconnect();
      // It would wait for a query that nobody waits for any more.
      if (interrupted.aborted) disconnected.catch(() => {});
      else await disconnected;
    }
  });
}

/**
 * As {@link withDatabase}, with the database's address, for those who connect in their own way. They end by themselves
 * soon after the signal is aborted, which Ctrl-C does, and leave nothing behind.
 */
export async function withDatabaseAddress<T>(
  dataDirectory: string,
  use: (url: string, interrupted: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, dispose } = interruptible();
  try {
    const named = process.env["DATABASE_URL"];
    if (named) requireReadable(named);
    const configured = named || (await readStackFile(resolve(dataDirectory)))?.environment["DATABASE_URL"];
    const own = configured ? null : await startPostgresAlone(dataDirectory, signal);
    try {
      return await use(configured || (own?.url ?? ""), signal);
    } finally {
      await own?.stop();
    }
  } finally {
    dispose();
  }
}

async function startPostgresAlone(dataDirectory: string, signal: AbortSignal) {
  const folder = join(resolve(dataDirectory), "postgres");
  await access(folder).catch((cause) => {
    throw new DocketError("InvalidInput", `There is no database in ${dataDirectory}, and DATABASE_URL is not set.`, {
      remedy: `Hand in documents first (\`${invocation()} run\`), or name another folder with --data-directory.`,
      cause,
    });
  });
  const { startPostgres } = await import("../../local/postgres.ts");
  return startPostgres(folder, { signal });
}
