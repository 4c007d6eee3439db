import { constants } from "node:fs";
import { access, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DocketError, type FailureType } from "../../contract/failures.ts";
import { withLock } from "../file-lock.ts";
import type { StartOptions } from "../report.ts";
import { type GoProgram, goInstall, WayNotOpen } from "./go-install.ts";
import { isProgram, onPath, programCache } from "./program-cache.ts";

/** A program of somebody else that the local stack runs. */
export interface ForeignProgram {
  /** As people know it. */
  title: string;
  /** Its name on the PATH. */
  name: string;
  /** Its name in the cache, with the version. */
  cached: string;
  /** The variable that names it. */
  variable: string;
  go: GoProgram;
  /** Ways before building it, for example a download; each puts the program at the target or tells why it cannot. */
  fetch?(target: string, options: StartOptions): Promise<void>;
  /** What is wrong with a program that was found; null when it will do. */
  check(path: string, environment: NodeJS.ProcessEnv): Promise<string | null>;
  failure: { type: FailureType; remedy: string };
}

/**
 * Path of the program: the configured one, the one on the PATH, the user's cache, a download, or a build into the cache,
 * in this order.
 * @throws {DocketError} that names every way that was tried, why it is closed, and what would open one
 */
export async function findProgram(program: ForeignProgram, options: StartOptions = {}): Promise<string> {
  const environment = options.environment ?? process.env;
  const configured = environment[program.variable];
  if (configured) return checkConfigured(program, configured, environment);

  const closed: string[] = [];
  const path = await onPath(program.name, environment);
  if (path === null) {
    closed.push(`no ${program.name} on the PATH`);
  } else {
    const wrong = await program.check(path, environment);
    if (wrong === null) return path;
    closed.push(`${path} ${wrong}`);
  }

  const cache = programCache(environment);
  const target = join(cache, program.cached);
  if (await isProgram(target)) return target;
  try {
    await mkdir(cache, { recursive: true });
    await access(cache, constants.W_OK);
  } catch (error) {
    closed.push(`the cache cannot be written (${(error as Error).message})`);
    throw notFound(program, closed);
  }
  const step = program.title;
  const get = () => getProgram(program, target, closed, { ...options, environment });
  return withLock(join(cache, ".getting"), get, {
    // The other programs' builds come first.
    waitMilliseconds: 60 * 60_000,
    signal: options.signal,
    onWait(pid) {
      const who = pid === process.pid ? "the other one" : `process ${pid}`;
      options.report?.({ step, detail: `has to be built; first comes what ${who} builds`, state: "progress" });
    },
  });
}

async function checkConfigured(program: ForeignProgram, path: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const wrong = (await isProgram(path)) ? await program.check(path, environment) : "is not a program";
  if (wrong === null) return path;
  throw new DocketError("InvalidInput", `${program.variable}: ${path} ${wrong}.`, {
    remedy: `Correct ${program.variable}, or unset it: then ${program.title} is looked for and built.`,
  });
}

async function getProgram(
  program: ForeignProgram,
  target: string,
  closed: string[],
  options: StartOptions & { environment: NodeJS.ProcessEnv },
): Promise<string> {
  // Somebody else may have been here while this process waited.
  if (await isProgram(target)) return target;
  const ways = [program.fetch, (path: string) => goInstall(program.go, path, options)];
  for (const way of ways) {
    try {
      await way?.(target, options);
    } catch (error) {
      if (!(error instanceof WayNotOpen)) throw error;
      closed.push(error.message);
      continue;
    }
    if (!(await isProgram(target))) continue;
    const wrong = await program.check(target, options.environment);
    if (wrong === null) return target;
    closed.push(`what was fetched or built ${wrong}`);
    await rm(target);
  }
  throw notFound(program, closed);
}

function notFound({ title, failure }: ForeignProgram, closed: string[]): DocketError {
  return new DocketError(failure.type, `${title} is not here: ${closed.join("; ")}.`, { remedy: failure.remedy });
}
