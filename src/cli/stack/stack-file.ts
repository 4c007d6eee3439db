import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A running stack, as other terminals find it in the data folder. Holds the database's password: owner-only. */
export interface StackFile {
  processId: number;
  /** Tells a process from a later one with the same id. */
  processStart: string | null;
  /** The command that runs it: `up` or `run`. */
  command: string;
  startedAt: string;
  webUi: string | null;
  textractStatus: string | null;
  /** Variables that a client or worker of this stack needs. */
  environment: Record<string, string>;
}

const fileName = "stack.json";
const usersFolder = "attached";

/** The stack that runs with this data folder; null when none does. */
export async function readStackFile(dataDirectory: string): Promise<StackFile | null> {
  try {
    const stack = JSON.parse(await readFile(join(dataDirectory, fileName), "utf8")) as StackFile;
    return (await isSameProcess(stack.processId, stack.processStart)) ? stack : null;
  } catch (error) {
    // Missing, or cut short by a crash: either way nothing says that a stack runs.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Announces this process's stack. */
export async function writeStackFile(
  dataDirectory: string,
  stack: Omit<StackFile, "processId" | "processStart" | "startedAt">,
): Promise<void> {
  await mkdir(dataDirectory, { recursive: true });
  const file: StackFile = {
    processId: process.pid,
    processStart: await processStart(process.pid),
    startedAt: new Date().toISOString(),
    ...stack,
  };
  const path = join(dataDirectory, fileName);
  await writeFile(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export async function removeStackFile(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, fileName), { force: true });
}

/** Says that this process uses the stack, so that its owner waits before it stops. */
export async function attachTo(dataDirectory: string): Promise<() => Promise<void>> {
  const path = join(dataDirectory, usersFolder, String(process.pid));
  await mkdir(join(dataDirectory, usersFolder), { recursive: true });
  await writeFile(path, (await processStart(process.pid)) ?? "");
  return () => rm(path, { force: true });
}

/** Processes that use the stack now. */
export async function attachedProcesses(dataDirectory: string): Promise<number[]> {
  const folder = join(dataDirectory, usersFolder);
  const names = await readdir(folder).catch(() => []);
  const users: number[] = [];
  for (const name of names) {
    const start = await readFile(join(folder, name), "utf8").catch(() => null);
    if (start !== null && (await isSameProcess(Number(name), start === "" ? null : start))) users.push(Number(name));
    else await rm(join(folder, name), { force: true });
  }
  return users;
}

/** Whether a process lives and is still the one that wrote its start time. */
export async function isSameProcess(processId: number, start: string | null): Promise<boolean> {
  try {
    process.kill(processId, 0);
  } catch (error) {
    // Another user's process is alive all the same.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = await processStart(processId);
  return start === null || now === null || now === start;
}

/** Start time in clock ticks since boot (proc(5), field 22); null where there is no /proc. */
async function processStart(processId: number): Promise<string | null> {
  const status = await readFile(`/proc/${processId}/stat`, "utf8").catch(() => null);
  // The command's name stands in parentheses and may hold spaces.
  return status?.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}
