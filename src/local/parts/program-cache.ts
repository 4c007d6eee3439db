import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** The folder for programs that are built or fetched once per user: `$XDG_CACHE_HOME/docket/bin`, or below `~/.cache`. */
export function programCache(environment: NodeJS.ProcessEnv): string {
  const configured = environment["XDG_CACHE_HOME"];
  // The XDG base directory specification: relative paths are to be ignored.
  const base = configured && isAbsolute(configured) ? configured : join(environment["HOME"] || homedir(), ".cache");
  return join(base, "docket", "bin");
}

/** Where a program lies on the PATH; null when it does not. */
export async function onPath(name: string, environment: NodeJS.ProcessEnv): Promise<string | null> {
  for (const folder of (environment["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (isAbsolute(folder) && (await isProgram(path))) return path;
  }
  return null;
}

/** Whether this file can be run by this user. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Missing or not for this user: no program either way.
    return false;
  }
}
