import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DocketError, type FailureType } from "../contract/failures.ts";
import { withLock } from "./file-lock.ts";
import { freePort, isFree } from "./free-port.ts";
import { firstLine, lastLines } from "./log-file.ts";
import {
  fingerprint,
  type PartCommand,
  type PartProcess,
  type Ports,
  readRecord,
  removeRecord,
  spawnPart,
  writeRecord,
} from "./part-process.ts";
import { hasUsers, usersFolder } from "./part-users.ts";
import { listeningPorts } from "./port-owner.ts";
import type { StartOptions } from "./report.ts";

/** One server of the local stack: how it is started, known to be ready, and stopped. */
export interface PartDefinition {
  /** As people know it, for example `PostgreSQL`. */
  title: string;
  /** Its folder, where its process, ports and users are written down. */
  directory: string;
  logPath: string;
  /** Ports that it listens on, by purpose, each with the one to prefer or null. */
  ports: Record<string, number | null>;
  command(ports: Ports): Promise<PartCommand>;
  /** Runs before a process is started, never beside a running one. */
  prepare?(): Promise<void>;
  /** One look at whether it serves; errors mean not yet, a {@link DocketError} means never. */
  probe(ports: Ports): Promise<boolean>;
  /** After it ended while starting: whether another start can help, possibly after changing something. */
  mend?(lastLines: string[]): Promise<boolean>;
  /**
   * Makes what belongs to it once it serves, also when it was found running. Doing it twice is harmless: it is done
   * again after an error, as long as a start may take.
   */
  complete?(ports: Ports, signal?: AbortSignal): Promise<void>;
  stopSignal: NodeJS.Signals;
  /** Longest start and longest orderly stop. */
  startMilliseconds: number;
  stopMilliseconds: number;
  /** What it is called when it does not start, and what helps then. */
  failure: { type: FailureType; remedy: string };
}

/** The part's process as it runs now. */
export interface RunningPart {
  process: PartProcess;
  /** False when this call started it. */
  reused: boolean;
}

const files = {
  lock: "lock",
  record: "process.json",
  ports: "ports.json",
} as const;

const startAttempts = 4;
/** A start that something passing prevented is repeated for so long, however fast each one ends. */
const mendMilliseconds = 30_000;
const addressInUse = /address already in use|EADDRINUSE/i;

/** Runs something while no other process starts or stops the part. */
export async function withPart<T>(
  part: PartDefinition,
  run: () => Promise<T>,
  { report, signal }: StartOptions,
): Promise<T> {
  await mkdir(usersFolder(part), { recursive: true, mode: 0o700 });
  // The longest holder is one that starts it, possibly several times.
  const waitMilliseconds = mendMilliseconds + startAttempts * part.startMilliseconds + part.stopMilliseconds;
  const onWait = (pid: number) =>
    report?.({ step: part.title, detail: `waiting for process ${pid}, which starts or stops it`, state: "progress" });
  return withLock(join(part.directory, files.lock), run, { waitMilliseconds, signal, onWait });
}

/**
 * Finds the part running, or starts it; the caller holds its lock.
 * @param keepPorts only the ports that it had before will do: others already use them
 * @throws {DocketError} of the part's failure type, with the last lines of its log
 */
export async function ensureRunning(
  part: PartDefinition,
  options: StartOptions & { keepPorts?: boolean },
): Promise<RunningPart> {
  const recordPath = join(part.directory, files.record);
  const running = await readRecord(recordPath);
  if (running !== null) {
    const unchanged = running.record.fingerprint === fingerprint(await part.command(running.record.ports));
    const fits = unchanged || (await hasUsers(part));
    if (fits && (await waitUntilReady(part, running, options))) return { process: running, reused: true };
    const why = fits ? "does not serve" : "was started otherwise";
    const detail = `process ${running.record.pid}, left from an earlier run, ${why} and is replaced`;
    options.report?.({ step: part.title, detail, state: "progress" });
    await running.stop(part.stopSignal, part.stopMilliseconds);
  }
  await removeRecord(recordPath);
  const mendUntil = Date.now() + mendMilliseconds;
  for (let attempt = 1; ; attempt++) {
    await part.prepare?.();
    const ports = await choosePorts(part, options.keepPorts === true);
    const process = await spawnPart(await part.command(ports), ports, part.logPath);
    try {
      await writeRecord(recordPath, process.record);
      if (await waitUntilReady(part, process, options)) return { process, reused: false };
      const lines = await lastLines(part.logPath, process.record.logStart, 6);
      const inTime = attempt < startAttempts || Date.now() < mendUntil;
      const again = inTime && !(await process.isAlive()) && (await canStartAgain(part, process, lines));
      if (!again) throw await notStarted(part, process, lines);
    } catch (error) {
      await process.stop(part.stopSignal, part.stopMilliseconds);
      await removeRecord(recordPath);
      throw error;
    }
  }
}

/** Ends the part's process; the caller holds its lock. */
export async function endProcess(part: PartDefinition, process: PartProcess): Promise<void> {
  await process.stop(part.stopSignal, part.stopMilliseconds);
  await removeRecord(join(part.directory, files.record));
}

/**
 * True once it serves and is complete; false when it ended or took too long.
 * @throws {DocketError} where it serves, but could not be completed in time
 */
async function waitUntilReady(part: PartDefinition, process: PartProcess, { signal }: StartOptions): Promise<boolean> {
  const { ports } = process.record;
  const deadline = Date.now() + part.startMilliseconds;
  let incomplete: unknown = null;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const serves = await isServing(part, process);
    if (!(await process.isAlive())) return false;
    if (serves) {
      try {
        await part.complete?.(ports, signal);
        return true;
      } catch (error) {
        // One answer that is lost on a busy machine, for example: it serves, so it is asked again.
        incomplete = error;
      }
    }
    await sleep(40);
  }
  if (incomplete !== null) throw notCompleted(part, incomplete);
  return false;
}

function notCompleted(part: PartDefinition, error: unknown): DocketError {
  const what = `${part.title} serves, but could not be made ready within ${Math.round(part.startMilliseconds / 1000)} s`;
  return new DocketError(part.failure.type, `${what}: ${error instanceof Error ? error.message : error}`, {
    remedy: `Look into ${part.logPath}. ${part.failure.remedy}`,
    cause: error,
  });
}

async function isServing(part: PartDefinition, { record: { pid, ports } }: PartProcess): Promise<boolean> {
  const own = await listeningPorts(pid);
  if (own !== null && !Object.values(ports).every((port) => own.has(port))) return false;
  const serves = await part.probe(ports).catch((error) => {
    if (error instanceof DocketError) throw error;
    return false;
  });
  // Where nobody tells whose port it is: a process that lost it to another server ends within this time.
  if (serves && own === null) await sleep(300);
  return serves;
}

async function canStartAgain(part: PartDefinition, process: PartProcess, lines: string[]): Promise<boolean> {
  const { ports, logStart } = process.record;
  // Somebody took a port between our look and its start, or a killed process has not let go of it yet.
  // A server that takes ports of its own besides ours may even have taken ours: then it is free again by now.
  const free = await Promise.all(Object.values(ports).map(isFree));
  const taken = free.includes(false) || (await firstLine(part.logPath, logStart, addressInUse)) !== null;
  const again = taken || (await part.mend?.(lines)) === true;
  if (again) await sleep(500);
  return again;
}

async function notStarted(part: PartDefinition, process: PartProcess, lines: string[]): Promise<DocketError> {
  const why = (await process.isAlive())
    ? `does not serve after ${Math.round(part.startMilliseconds / 1000)} s`
    : process.ending;
  const panic = await firstLine(part.logPath, process.record.logStart, /^(panic|fatal error):/);
  const words = panic === null || lines.includes(panic) ? lines : [panic, ...lines];
  const said = words.length === 0 ? "It said nothing." : `Its last words: ${words.join(" | ")}`;
  return new DocketError(part.failure.type, `${part.title} did not start: ${why}. ${said}`, {
    remedy: `Look into ${part.logPath}. ${part.failure.remedy}`,
  });
}

async function choosePorts(part: PartDefinition, keep: boolean): Promise<Ports> {
  const path = join(part.directory, files.ports);
  const remembered: Ports = await readFile(path, "utf8").then(JSON.parse, () => ({}));
  const chosen: Ports = {};
  for (const [purpose, preferred] of Object.entries(part.ports)) {
    const known = remembered[purpose];
    chosen[purpose] = keep && known !== undefined ? known : await freePort([preferred ?? undefined, known]);
  }
  await writeFile(path, `${JSON.stringify(chosen)}\n`);
  return chosen;
}
