import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accepts, freePort } from "#docket/local/free-port";
import { openLog } from "#docket/local/log-file";
import { findProgram } from "#docket/local/parts/find-program";
import { runProgram } from "#docket/local/parts/run-program";

const version = "1.29.1";
const startMilliseconds = 120_000;
const environmentName = "production-like";

/** Temporal's own server, all of its services in one process, on PostgreSQL. */
export interface TemporalServer {
  address: string;
  /** Its process as it runs now. */
  readonly pid: number | undefined;
  /** Ends it without warning, and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const program = (name: string, path: string, what: string) => ({
  title: "Temporal",
  name: `temporal-${name}`,
  cached: `temporal-${name}-${version}`,
  variable: `DOCKET_TEMPORAL_${name.toUpperCase()}`,
  go: {
    package: `go.temporal.io/server/cmd/${path}@v${version}`,
    minimumGo: [1, 25] as const,
    name,
    what,
    usually: "about 4 minutes",
  },
  check: async () => null,
  failure: {
    type: "TemporalUnavailable" as const,
    remedy: `Install Go 1.25 or newer, then it is built; or name a build of ${version} in DOCKET_TEMPORAL_${name.toUpperCase()}.`,
  },
});

/** A free port that Temporal's schema can hold: ports of members of the cluster are small integers of PostgreSQL. */
export function serverPort(): Promise<number> {
  return freePort(Array.from({ length: 50 }, () => 20_000 + Math.floor(Math.random() * 12_000)));
}

/**
 * Builds the server where it is not in the user's cache, makes its two databases and starts it.
 * @param options.port of the frontend, a {@link serverPort}
 * @param options.databaseUrl a PostgreSQL server whose user may make databases
 */
export async function startTemporalServer(options: {
  databaseUrl: string;
  folder: string;
  port: number;
  say(line: string): void;
}): Promise<TemporalServer> {
  const { folder, port, say } = options;
  await mkdir(folder, { recursive: true });
  const report = ({ step, detail }: { step: string; detail?: string }) => detail && say(`${step}: ${detail}`);
  const server = await findProgram(program("server", "server", "Temporal's own server"), { report });
  const sql = await findProgram(program("sql", "tools/sql", "the tool for its database"), { report });
  const database = new URL(options.databaseUrl);
  for (const [name, schema] of [
    ["temporal", "temporal"],
    ["temporal_visibility", "visibility"],
  ] as const) {
    const base = ["--plugin", "postgres12", "--endpoint", database.hostname, "--port", database.port];
    const account = ["--user", database.username, "--password", decodeURIComponent(database.password)];
    const tool = async (...args: string[]) => {
      const options = { environment: process.env, timeoutMilliseconds: startMilliseconds };
      const { code, lines } = await runProgram(sql, [...base, ...account, "--database", name, ...args], options);
      if (code !== 0) throw new Error(`${args[0]} of ${name} ended with ${code}: ${lines.slice(-3).join(" | ")}`);
    };
    await tool("create-database");
    await tool("setup-schema", "--version", "0.0");
    await tool("update-schema", "--schema-name", `postgresql/v12/${schema}`);
    say(`database ${name} is made`);
  }
  await writeConfiguration(folder, port, database);
  let child: ChildProcess | null = null;

  const start = async () => {
    const log = openLog(join(folder, "server.log"));
    const started = spawn(server, ["--root", folder, "--config", ".", "--env", environmentName, "start"], {
      stdio: ["ignore", log.descriptor, log.descriptor],
    });
    log.close();
    child = started;
    const late = Date.now() + startMilliseconds;
    while (!(await accepts(port))) {
      if (started.exitCode !== null) throw new Error(`Temporal's server ended: ${join(folder, "server.log")}`);
      if (Date.now() > late) throw new Error(`Temporal's server does not answer: ${join(folder, "server.log")}`);
      await sleep(200);
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const hangs = setTimeout(() => child?.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(hangs);
  };
  await start();
  return {
    address: `127.0.0.1:${port}`,
    get pid() {
      return child?.pid;
    },
    async restart() {
      await end("SIGKILL");
      await start();
    },
    stop: () => end("SIGTERM"),
  };
}

async function writeConfiguration(folder: string, port: number, database: URL): Promise<void> {
  const store = (databaseName: string) => ({
    sql: {
      pluginName: "postgres12",
      databaseName,
      connectAddr: database.host,
      connectProtocol: "tcp",
      user: database.username,
      password: decodeURIComponent(database.password),
      maxConns: 20,
      maxIdleConns: 20,
      maxConnLifetime: "1h",
    },
  });
  const service = async (grpcPort?: number) => ({
    rpc: { grpcPort: grpcPort ?? (await serverPort()), membershipPort: await serverPort(), bindOnLocalHost: true },
  });
  const dynamic = join(folder, "dynamic-config.yaml");
  const value = (setting: boolean | number) => [{ value: setting }];
  await writeFile(
    dynamic,
    JSON.stringify({
      "system.enableActivityEagerExecution": value(true),
      "matching.useNewMatcher": value(true),
      "matching.numTaskqueueReadPartitions": value(1),
      "matching.numTaskqueueWritePartitions": value(1),
    }),
  );
  // JSON is YAML, too.
  await writeFile(
    join(folder, `${environmentName}.yaml`),
    JSON.stringify({
      log: { stdout: true, level: "warn" },
      persistence: {
        numHistoryShards: 16,
        defaultStore: "default",
        visibilityStore: "visibility",
        datastores: { default: store("temporal"), visibility: store("temporal_visibility") },
      },
      global: { membership: { maxJoinDuration: "30s", broadcastAddress: "127.0.0.1" } },
      services: {
        frontend: await service(port),
        matching: await service(),
        history: await service(),
        worker: await service(),
      },
      clusterMetadata: {
        enableGlobalNamespace: false,
        failoverVersionIncrement: 10,
        masterClusterName: "active",
        currentClusterName: "active",
        clusterInformation: {
          active: { enabled: true, initialFailoverVersion: 1, rpcName: "frontend", rpcAddress: `127.0.0.1:${port}` },
        },
      },
      dcRedirectionPolicy: { policy: "noop" },
      archival: {
        history: { state: "disabled", enableRead: false },
        visibility: { state: "disabled", enableRead: false },
      },
      namespaceDefaults: { archival: { history: { state: "disabled" }, visibility: { state: "disabled" } } },
      publicClient: { hostPort: `127.0.0.1:${port}` },
      dynamicConfigClient: { filepath: dynamic, pollInterval: "60s" },
    }),
  );
}
