import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Client } from "pg";
import { DocketError } from "../contract/failures.ts";
import { keptSecret } from "./kept-secret.ts";
import type { PartDefinition } from "./part.ts";
import type { PartCommand, Ports } from "./part-process.ts";
import { findPostgres } from "./parts/postgres-binaries.ts";
import { dataFolder, prepareCluster, superuser } from "./postgres-cluster.ts";
import { choosePostgresUser, type PostgresUser } from "./postgres-user.ts";
import type { StartOptions } from "./report.ts";
import { serviceEnvironment } from "./service-environment.ts";
import { SharedPart } from "./shared-part.ts";

const title = "PostgreSQL";
const database = "docket";

export interface PostgresOptions extends StartOptions {
  /** Default: `logs` beside the folder. */
  logDirectory?: string;
  /** Where copies lie that another user can read, when only that works. Default: `/var/lib/docket`. */
  stateFolder?: string;
}

/** A running embedded PostgreSQL. */
export interface EmbeddedPostgres {
  part: SharedPart;
  /** `postgresql://` address of the database `docket`, with the password. */
  url: string;
  /** Gives it up; the last process that does stops it. */
  stop(): Promise<void>;
}

/**
 * Finds the embedded PostgreSQL of a folder running, or starts it, making the cluster when there is none: on loopback
 * only, with a password, and with everything that a crash-safe database needs left on.
 * @throws {DocketError} `DatabaseUnavailable`
 */
export async function startPostgres(folder: string, options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  const directory = resolve(folder);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const environment = options.environment ?? process.env;
  const as = await choosePostgresUser(await findPostgres(), environment, options.stateFolder);
  if (as.user !== undefined) {
    const detail = `runs as the user ${as.user.name}, with its data below ${as.dataHome}: root may not run it`;
    options.report?.({ step: title, detail, state: "progress" });
  }
  const logDirectory = options.logDirectory ?? join(dirname(directory), "logs");
  const secret = { password: "" };
  const part = await SharedPart.open(definePostgres(directory, logDirectory, as, environment, secret), options);
  const url = `postgresql://${superuser}:${secret.password}@127.0.0.1:${part.ports["sql"]}/${database}`;
  return { part, url, stop: () => part.stop() };
}

function definePostgres(
  directory: string,
  logDirectory: string,
  as: PostgresUser,
  environment: NodeJS.ProcessEnv,
  secret: { password: string },
): PartDefinition {
  return {
    title,
    directory,
    logPath: join(logDirectory, "postgres.log"),
    ports: { sql: null },
    async prepare() {
      await prepareCluster(directory, as, await keptSecret(join(directory, "password")));
    },
    command: async (ports) => postgresCommand(await dataFolder(directory), as, ports, environment),
    async probe(ports) {
      secret.password = await keptSecret(join(directory, "password"));
      await withClient(ports, secret.password, "postgres", async (client) => {
        const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
        if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
      });
      return true;
    },
    // After a kill the old server's last processes may still hold its shared memory for a moment.
    mend: async (lines) =>
      lines.some((line) => /shared memory block .* still in use|lock file .* already exists/.test(line)),
    // Fast shutdown: ends connections, loses nothing.
    stopSignal: "SIGINT",
    startMilliseconds: 90_000,
    stopMilliseconds: 30_000,
    failure: { type: "DatabaseUnavailable", remedy: "Or set DATABASE_URL to a PostgreSQL of your own." },
  };
}

function postgresCommand(data: string, as: PostgresUser, ports: Ports, environment: NodeJS.ProcessEnv): PartCommand {
  const settings = {
    listen_addresses: "127.0.0.1",
    port: ports["sql"],
    // None: a socket's path has a length limit that a data folder may not keep.
    unix_socket_directories: "",
    max_connections: 100,
    timezone: "UTC",
    log_timezone: "UTC",
    cluster_name: "docket",
  };
  const [file = "", ...args] = [
    ...as.prefix,
    as.binaries.postgres,
    ...["-D", data],
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  return { file, args, variables: {}, inherited: serviceEnvironment(environment), directory: "/", user: as.user };
}

async function withClient(
  ports: Ports,
  password: string,
  name: string,
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const address = { host: "127.0.0.1", port: ports["sql"] ?? 0, user: superuser, database: name, password };
  const client = new Client({ ...address, connectionTimeoutMillis: 5000, query_timeout: 30_000, ssl: false });
  // A connection that breaks later than its query is told here too, and would end this process.
  client.on("error", () => {});
  try {
    await client.connect();
    await use(client);
  } catch (error) {
    // invalid_password: the data and the password file are not of one making.
    if ((error as { code?: string }).code !== "28P01") throw error;
    throw new DocketError(
      "DatabaseUnavailable",
      "The embedded PostgreSQL does not accept the password of its folder.",
      {
        remedy: "Restore the file postgres/password of the data folder, or use another data folder.",
        cause: error,
      },
    );
  } finally {
    await client.end().catch(() => {});
  }
}
