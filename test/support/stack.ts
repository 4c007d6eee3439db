import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, inject } from "vitest";
import { regionBreaker, resetBreaker } from "#docket/database/circuit-breakers";
import { createDatabase, type Database } from "#docket/database/client";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { governorOf } from "./governor.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Addresses and credentials of the stack that the whole test run shares. */
    environment: Record<string, string>;
    /** Address of Temporal's Web UI; null where its server is not of the stack. */
    temporalWebUi: string | null;
  }
}

export const documentQueues = "documents,textract-submit,textract-results";

/** Environment of a process that works with the shared stack. */
export function stackEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...inject("environment"), ...extra };
}

/** The shared stack's database, Temporal client and S3. */
export async function connectStack() {
  const environment = inject("environment");
  Object.assign(process.env, environment);
  const database: Database = createDatabase({ url: environment["DATABASE_URL"] ?? "", poolSize: 4 });
  const connection = await Connection.connect({ address: environment["TEMPORAL_ADDRESS"] ?? "" });
  const client = new Client({ connection });
  // Which the faults of the file before may have left open.
  await resetBreaker(database, regionBreaker("us-east-1"));
  const bucket = environment["DOCKET_BUCKET"] ?? "";
  const storage = createObjectStorage({ region: "us-east-1", endpoint: environment["AWS_ENDPOINT_URL_S3"] });
  return {
    database,
    client,
    bucket,
    storage,
    /** With the settings of the shared stack, where nothing is limited. */
    governor: governorOf(database, {}),
    async upload(key: string, file: string | URL): Promise<{ bucket: string; key: string }> {
      await storage.put(bucket, key, await readFile(file), "application/octet-stream");
      return { bucket, key };
    },
    async close(): Promise<void> {
      await database.$disconnect();
      await connection.close();
      storage.close();
    },
  };
}

/** A process that a test started and must end. */
export interface Running {
  child: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a worker process and waits until it polls. */
export async function startWorker(queues = documentQueues, extra: Record<string, string> = {}): Promise<Running> {
  const killing = extra["KILL_STEP"] !== undefined;
  const program = killing ? ["test/support/killing-worker.mjs"] : ["dist/cli/docket.js", "worker", "--queues", queues];
  const child = spawn(process.execPath, program, {
    env: stackEnvironment({ WORKER_QUEUES: queues, ...extra }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const polling = new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      log += chunk;
      if (/worker is polling|^ready$/m.test(log)) resolve();
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("exit", (code, signal) => reject(new Error(`the worker ended (${code ?? signal}) with: ${log}`)));
  });
  await polling;
  return { child, stop: () => stopProcess(child) };
}

/** Ends a process that this test started, and waits for its end. */
async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** What a command printed and how it ended. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export async function runCommand(
  file: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = stackEnvironment(),
): Promise<CommandResult> {
  const child = spawn(file, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const output = outputOf(child);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...output };
}

/** What a program prints, as it comes. */
export function outputOf(child: { stdout: Readable; stderr: Readable }): { stdout: string; stderr: string } {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk) => {
      output[name] += chunk;
    });
  }
  return output;
}

/** Runs the built `docket` command. */
export function docket(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<CommandResult> {
  return runCommand(process.execPath, ["dist/cli/docket.js", ...args], environment);
}

/** The shared stack with a worker on it, for all tests of a file; filled before the first of them. */
export function useStack(queues = documentQueues): Awaited<ReturnType<typeof connectStack>> {
  const stack = {} as Awaited<ReturnType<typeof connectStack>>;
  let worker: Running;
  beforeAll(async () => {
    Object.assign(stack, await connectStack());
    worker = await startWorker(queues);
  });
  afterAll(async () => {
    await worker.stop();
    await stack.close();
  });
  return stack;
}
