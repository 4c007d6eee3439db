import { join, resolve } from "node:path";
import { DocketError } from "../../contract/failures.ts";
import type { StepReport } from "../../local/report.ts";
import { untilAborted } from "../interrupt.ts";
import { outageNotes } from "../service-wait.ts";
import { withVariables } from "./environment.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";
import { StackWorkers } from "./stack-workers.ts";

/** Everything that runs: the parts, the migrated database, the workers. */
export interface StackSession {
  /** Variables that a client or worker of this stack needs, on top of the process's own. */
  environment: Record<string, string>;
  webUi: string | null;
  textractStatus: string | null;
  /** The other process that runs the workers; null when it is this one. */
  workersOf(): number | null;
  /** Rejects when the stack can't go on. */
  ended: Promise<never>;
  /** Stops what this process runs and nobody else uses. */
  stop(): Promise<void>;
  /** Ends this process's workers at once. */
  kill(): void;
}

export interface SessionOptions {
  /** `up` or `run`. */
  command: string;
  dataDirectory: string;
  report(step: StepReport): void;
  say(line: string): void;
  signal: AbortSignal;
  /** Longest wait for a configured service that does not answer, seconds. */
  serviceWait: number;
}

// What decides which services a stack is made of. Credentials are each process's own.
const serviceNames = [
  "DATABASE_URL",
  "TEMPORAL_ADDRESS",
  "TEMPORAL_NAMESPACE",
  "DOCKET_BUCKET",
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL_TEXTRACT",
] as const;
// Regions lie around in many shells, and count only where AWS itself is used.
const settingNames = [...serviceNames, "AWS_REGION", "AWS_DEFAULT_REGION"] as const;

/**
 * Brings up the stack of a data folder: its parts, which all processes with that folder share; the migrations; and the
 * workers, unless another process runs them for the same services. A configured service that does not answer is waited
 * for.
 * @throws {DocketError} when a part cannot be had, with what would cure it
 */
export async function openStackSession(options: SessionOptions): Promise<StackSession> {
  const { report, say, signal } = options;
  const dataDirectory = resolve(options.dataDirectory);
  const running = await readStackFile(dataDirectory);
  const own = running === null ? process.env : asOwnerOf(running, options.dataDirectory);

  const { startStack } = await import("../../local/stack.ts");
  const wait = await waitForConfigured(own, options);
  const through = <T>(run: () => Promise<T>) => wait.through(run);
  const stack = await startStack({ dataDirectory, environment: own, report, signal, through });
  const environment = withVariables(own, stack.environment);
  const { webUi, textractStatus } = stack;
  const workers = new StackWorkers({
    dataDirectory,
    environment,
    logDirectory: join(dataDirectory, "logs"),
    say,
    file: {
      command: options.command,
      webUi,
      textractStatus,
      environment: stack.environment,
      settings: settingsOf(own),
    },
  });
  const stop = async () => {
    await workers.stop();
    await stack.stop();
  };
  try {
    const migrated = () => through(() => migrateDatabase(environment));
    await timed(report, "migrations", () => untilAborted(migrated(), signal));
    // Workers end where no Temporal server answers, and are given up after a few times.
    if (webUi === null)
      await untilAborted(
        through(() => askTemporal(environment)),
        signal,
      );
    await timed(report, "workers", () => untilAborted(workers.ensure(signal), signal));
  } catch (error) {
    await stop();
    throw error;
  }
  const ended = Promise.race([workers.failed, stack.failed]);
  // It may come before anybody waits for it.
  ended.catch(() => {});
  return {
    environment: stack.environment,
    webUi,
    textractStatus,
    workersOf: () => workers.otherOwner,
    ended,
    stop,
    kill: () => workers.kill(),
  };
}

/**
 * This process's environment with the settings of the process whose stack it joins, so that both use the same parts.
 * @throws {DocketError} `InvalidInput` where this process names other services: one data folder is one stack
 */
function asOwnerOf(running: StackFile, dataDirectory: string): NodeJS.ProcessEnv {
  const own = { ...process.env };
  const differing: string[] = [];
  for (const name of serviceNames) {
    const wanted = own[name];
    if (!wanted || wanted === running.settings[name]) continue;
    // `docket env` names the embedded parts, which are no settings of the user's.
    if (wanted === running.environment[name]) delete own[name];
    else differing.push(name);
  }
  if (differing.length === 0) return { ...own, ...running.settings };
  const { command, owner } = running;
  throw new DocketError(
    "InvalidInput",
    `docket ${command} (process ${owner.pid}) uses ${dataDirectory} with other services: ${differing.join(", ")} differ.`,
    { remedy: "Unset these variables to use that stack, end it, or take another folder with --data-directory." },
  );
}

function settingsOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(settingNames.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

/** Waits for services that are configured, and tells of it; those of the stack itself have their own ways. */
async function waitForConfigured(environment: NodeJS.ProcessEnv, { serviceWait, signal, say }: SessionOptions) {
  const [{ ServiceWait }, { chooseServices }] = await Promise.all([
    import("../../client/service-wait.ts"),
    import("../../local/choose-services.ts"),
  ]);
  const { databaseUrl, temporalAddress, s3, bucket } = chooseServices(environment);
  return new ServiceWait({
    services: {
      ...(databaseUrl === null ? {} : { database: { url: databaseUrl } }),
      ...(temporalAddress === null ? {} : { temporal: { address: temporalAddress } }),
      ...(s3.kind === "endpoint" ? { storage: { bucket, endpoint: s3.endpoint } } : {}),
    },
    limitMilliseconds: serviceWait * 1000,
    signal,
    onChange: outageNotes(say),
  });
}

async function askTemporal(environment: NodeJS.ProcessEnv): Promise<void> {
  const [{ loadConfig }, { connectTemporal }] = await Promise.all([
    import("../../config.ts"),
    import("../../client/connect.ts"),
  ]);
  const client = await connectTemporal(loadConfig(environment).temporal);
  await client.connection.close();
}

async function migrateDatabase(environment: NodeJS.ProcessEnv): Promise<string> {
  const [{ loadConfig }, { migrate }] = await Promise.all([
    import("../../config.ts"),
    import("../../database/migrate.ts"),
  ]);
  const { applied } = await migrate(loadConfig(environment).database.url);
  return applied.length === 0 ? "up to date" : `applied ${applied.join(", ")}`;
}

async function timed(report: (step: StepReport) => void, step: string, run: () => Promise<string>): Promise<void> {
  const started = Date.now();
  report({ step, state: "start" });
  const detail = await run();
  report({ step, state: "done", detail, milliseconds: Date.now() - started });
}
