import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Connection } from "@temporalio/client";
import proto from "@temporalio/proto";
import { searchAttributeNames } from "../contract/process-document.ts";
import { accepts } from "./free-port.ts";
import type { PartDefinition } from "./part.ts";
import type { PartCommand, Ports } from "./part-process.ts";
import { findTemporal } from "./parts/temporal-cli.ts";
import type { StartOptions } from "./report.ts";
import { serviceEnvironment } from "./service-environment.ts";
import { SharedPart } from "./shared-part.ts";
import { hasAccount, userNamespace } from "./user-namespace.ts";

export interface TemporalOptions extends StartOptions {
  /** The part's folder. */
  directory: string;
  logDirectory: string;
}

const namespace = "default";
const daySeconds = 86_400;
// Finished documents stay visible this long; the server's own default is a day.
const retentionDays = 30;

const searchAttributes = Object.entries(searchAttributeNames).map(
  ([name, onServer]) => `${onServer}=${name === "pages" ? "Int" : "Keyword"}`,
);

const serverSettings = {
  "system.enableActivityEagerExecution": true,
  // Off in this server by itself: without it priorities do nothing. One partition makes the order and the rate of a task
  // queue exact; fairness loses waiting tasks at a restart (docs/decisions/0007-priorities-without-fairness.md).
  "matching.useNewMatcher": true,
  "matching.enableFairness": false,
  "matching.numTaskqueueReadPartitions": 1,
  "matching.numTaskqueueWritePartitions": 1,
  // States of workflows that it keeps in memory, most of which have ended; its own bound of 128,000 is made for clusters,
  // and is some 6 GB.
  "history.hostLevelCacheMaxSize": 1000,
};

// Of Go's runtime, which looks through the memory each time that it has doubled: here, when it has tripled. Less of that is
// less processor time for a document (docs/decisions/0044-what-is-kept-warm.md). From the limit on it looks oftener.
const memorySettings = { GOGC: "200", GOMEMLIMIT: "640MiB" };

/**
 * Finds Temporal's development server running, or starts it with a database file of its own and its Web UI.
 * @throws {DocketError} `TemporalUnavailable`
 */
export async function startTemporal(options: TemporalOptions): Promise<SharedPart> {
  const { directory, logDirectory } = options;
  const environment = options.environment ?? process.env;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const program = await findTemporal(options);
  // The server asks the system who runs it, and does not start without an answer.
  const prefix = hasAccount() ? [] : ((await userNamespace(program, environment)) ?? []);
  const definition: PartDefinition = {
    title: "Temporal",
    directory,
    logPath: join(logDirectory, "temporal.log"),
    ports: { frontend: 7233, webUi: 8233 },
    command: async (ports) => temporalCommand([...prefix, program], directory, ports, environment),
    probe: serves,
    complete: keepFinished,
    stopSignal: "SIGTERM",
    startMilliseconds: 60_000,
    stopMilliseconds: 15_000,
    failure: { type: "TemporalUnavailable", remedy: "Or use a server of your own with TEMPORAL_ADDRESS." },
  };
  return SharedPart.open(definition, options);
}

function temporalCommand(
  program: string[],
  directory: string,
  ports: Ports,
  environment: NodeJS.ProcessEnv,
): PartCommand {
  const [file = "", ...args] = [
    ...program,
    ...["server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn"],
    ...["--port", String(ports["frontend"]), "--ui-port", String(ports["webUi"])],
    ...["--db-filename", join(directory, "temporal.db")],
    // Both survive a killed process; together they double what the server does in a second.
    ...["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"],
    ...Object.entries(serverSettings).flatMap(([name, value]) => ["--dynamic-config-value", `${name}=${value}`]),
    ...searchAttributes.flatMap((attribute) => ["--search-attribute", attribute]),
  ];
  const inherited = { ...memorySettings, ...serviceEnvironment(environment) };
  return { file, args, variables: {}, inherited, directory };
}

async function serves(ports: Ports): Promise<boolean> {
  // A refused TCP connection is told at once; gRPC would try again for seconds.
  const { frontend = 0, webUi = 0 } = ports;
  if (!((await accepts(frontend)) && (await accepts(webUi)))) return false;
  return withConnection(frontend, async ({ workflowService }) => {
    await workflowService.describeNamespace({ namespace });
    return true;
  });
}

async function keepFinished({ frontend = 0 }: Ports): Promise<void> {
  await withConnection(frontend, async ({ workflowService }) => {
    const { config } = await workflowService.describeNamespace({ namespace });
    const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    // Anything but the server's default was somebody's wish.
    if (seconds !== daySeconds) return;
    const workflowExecutionRetentionTtl = proto.google.protobuf.Duration.fromObject({
      seconds: retentionDays * daySeconds,
    });
    await workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
  });
}

async function withConnection<T>(port: number, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 3000 });
  try {
    return await connection.withDeadline(Date.now() + 5000, () => use(connection));
  } finally {
    await connection.close();
  }
}
