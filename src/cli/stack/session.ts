import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DocketError } from "../../contract/failures.ts";
import type { Step } from "../render/step-line.ts";
import {
  attachedProcesses,
  attachTo,
  isSameProcess,
  readStackFile,
  removeStackFile,
  type StackFile,
  writeStackFile,
} from "./stack-file.ts";
import { WorkerProcesses } from "./worker-processes.ts";

/** A stack with its workers that this process may use, its own or one that runs already. */
export interface StackSession {
  /** Variables that a client or worker of this stack needs, on top of the process's own. */
  environment: Record<string, string>;
  webUi: string | null;
  textractStatus: string | null;
  /** The process that runs the stack; null when it is this one. */
  owner: number | null;
  /** Rejects when the stack can't go on. */
  ended: Promise<never>;
  /** Stops what this process started; waits for others that use it when `patient`. */
  stop(patient: boolean): Promise<void>;
  /** Ends the workers at once. */
  kill(): void;
}

export interface SessionOptions {
  /** `up` or `run`. */
  command: string;
  dataDirectory: string;
  report(step: Step): void;
  say(line: string): void;
  signal: AbortSignal;
}

// Activities that are cut short are done again: a short grace makes Ctrl-C quick and loses nothing.
const defaultGraceSeconds = 3;

/**
 * Joins the stack that runs with this data folder, or starts one: the parts, the migrations, the workers.
 * @throws {DocketError} when a part cannot be had, with what would cure it
 */
export async function openStackSession(options: SessionOptions): Promise<StackSession> {
  const dataDirectory = resolve(options.dataDirectory);
  const running = await readStackFile(dataDirectory);
  return running === null ? startSession({ ...options, dataDirectory }) : joinSession(running, dataDirectory, options);
}

async function joinSession(stack: StackFile, dataDirectory: string, options: SessionOptions): Promise<StackSession> {
  const detach = await attachTo(dataDirectory);
  const detail = `of docket ${stack.command}, process ${stack.processId}`;
  options.report({ step: "stack", detail, state: "reused" });
  const leaving = new AbortController();
  return {
    environment: stack.environment,
    webUi: stack.webUi,
    textractStatus: stack.textractStatus,
    owner: stack.processId,
    ended: watchOwner(stack, leaving.signal),
    async stop() {
      leaving.abort();
      await detach();
    },
    kill() {},
  };
}

async function watchOwner(stack: StackFile, leaving: AbortSignal): Promise<never> {
  while (!leaving.aborted && (await isSameProcess(stack.processId, stack.processStart))) {
    await sleep(1000, undefined, { ref: false });
  }
  if (leaving.aborted) return new Promise(() => {});
  throw new DocketError("TemporalUnavailable", `The stack of process ${stack.processId} was stopped meanwhile.`, {
    remedy: "Run again: it goes on where this stopped.",
  });
}

async function startSession(options: SessionOptions): Promise<StackSession> {
  const { dataDirectory, report, signal } = options;
  const { startStack } = await import("../../local/stack.ts");
  const stack = await startStack({ dataDirectory, environment: process.env, report, signal });
  const environment = { ...process.env, ...stack.environment };
  const graceSeconds = Number(environment.DOCKET_SHUTDOWN_GRACE_SECONDS ?? defaultGraceSeconds);
  const workers = new WorkerProcesses({
    environment: { ...environment, DOCKET_SHUTDOWN_GRACE_SECONDS: String(graceSeconds) },
    logDirectory: join(dataDirectory, "logs"),
    report: options.say,
  });
  const stop = async () => {
    await removeStackFile(dataDirectory);
    await workers.stop(graceSeconds * 1000 + 2000);
    await stack.stop();
  };
  try {
    signal.throwIfAborted();
    await timed(report, "migrations", () => migrateDatabase(environment));
    signal.throwIfAborted();
    await timed(report, "workers", async () => {
      await workers.start();
      return "documents and Textract in one process, ocr in another";
    });
    const { webUi, textractStatus } = stack;
    await writeStackFile(dataDirectory, {
      command: options.command,
      webUi,
      textractStatus,
      environment: stack.environment,
    });
    return {
      environment: stack.environment,
      webUi,
      textractStatus,
      owner: null,
      ended: workers.failed,
      async stop(patient) {
        if (patient) await waitForOthers(dataDirectory, options);
        await stop();
      },
      kill: () => workers.kill(),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function migrateDatabase(environment: NodeJS.ProcessEnv): Promise<string> {
  const [{ loadConfig }, { migrate }] = await Promise.all([
    import("../../config.ts"),
    import("../../database/migrate.ts"),
  ]);
  const { applied } = await migrate(loadConfig(environment).database.url);
  return applied.length === 0 ? "up to date" : `applied ${applied.join(", ")}`;
}

async function timed(report: (step: Step) => void, step: string, run: () => Promise<string>): Promise<void> {
  const started = Date.now();
  report({ step, state: "start" });
  const detail = await run();
  report({ step, state: "done", detail, milliseconds: Date.now() - started });
}

/** A run that others joined stops its stack when they are done, not under their feet. */
async function waitForOthers(dataDirectory: string, { say, signal }: SessionOptions): Promise<void> {
  let said = "";
  while (!signal.aborted) {
    const others = await attachedProcesses(dataDirectory);
    if (others.length === 0) return;
    const now = `Waiting for process ${others.join(", ")}, which uses this stack (Ctrl-C stops it anyway).`;
    if (now !== said) say(now);
    said = now;
    await sleep(500);
  }
}
