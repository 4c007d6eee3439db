import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { connectServices, type Services } from "../../client/connect.ts";
import { DocketError } from "../../contract/failures.ts";
import { createDatabase, type Database } from "../../database/client.ts";
import { invocation } from "../invocation.ts";
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

/** Runs something with all services of the running stack or of the environment. */
export async function withServices<T>(
  dataDirectory: string,
  use: (services: Services, stack: StackFile | null) => Promise<T>,
): Promise<T> {
  const stack = await attach(dataDirectory);
  const services = await connectServices(process.env);
  try {
    return await use(services, stack);
  } finally {
    await services.close();
  }
}

/**
 * Runs something with the database alone: of the environment, of the running stack, or, when neither is there, the
 * embedded PostgreSQL of the data folder, which is started for this.
 */
export async function withDatabase<T>(dataDirectory: string, use: (database: Database) => Promise<T>): Promise<T> {
  const configured =
    process.env["DATABASE_URL"] || (await readStackFile(resolve(dataDirectory)))?.environment["DATABASE_URL"];
  const own = configured ? null : await startPostgresAlone(dataDirectory);
  const database = createDatabase({ url: configured || (own?.url ?? ""), poolSize: 4 });
  try {
    return await use(database);
  } finally {
    await database.$disconnect();
    await own?.stop();
  }
}

async function startPostgresAlone(dataDirectory: string) {
  const folder = join(resolve(dataDirectory), "postgres");
  await access(folder).catch((cause) => {
    throw new DocketError("InvalidInput", `There is no database in ${dataDirectory}, and DATABASE_URL is not set.`, {
      remedy: `Hand in documents first (\`${invocation()} run\`), or name another folder with --data-directory.`,
      cause,
    });
  });
  const { startPostgres } = await import("../../local/postgres.ts");
  return startPostgres(folder);
}
