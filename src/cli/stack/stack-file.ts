import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identifyProcess, isAlive, type ProcessIdentity } from "../../local/process-identity.ts";

/**
 * A stack with workers, as other processes find it in its data folder. Holds the password of the database: only its
 * owner may read it.
 */
export interface StackFile {
  /** The process that runs the workers. */
  owner: ProcessIdentity;
  /** The command that it runs: `up` or `run`. */
  command: string;
  startedAt: string;
  webUi: string | null;
  textractStatus: string | null;
  /** Variables that a client or worker of this stack needs. */
  environment: Record<string, string>;
  /** Those among the settings that its owner did not take from the embedded default. */
  settings: Record<string, string>;
}

const fileName = "stack.json";

/** The stack whose workers run with this data folder; null when none do. */
export async function readStackFile(dataDirectory: string): Promise<StackFile | null> {
  try {
    const stack = JSON.parse(await readFile(join(dataDirectory, fileName), "utf8")) as StackFile;
    return (await isAlive(stack.owner)) ? stack : null;
  } catch (error) {
    // Missing, or cut short by a crash: either way nothing says that a stack runs.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Announces this process's stack. */
export async function writeStackFile(
  dataDirectory: string,
  stack: Omit<StackFile, "owner" | "startedAt">,
): Promise<void> {
  await mkdir(dataDirectory, { recursive: true });
  const owner = await identifyProcess(process.pid);
  if (owner === null) throw new Error("this process is not to be found among the living");
  const path = join(dataDirectory, fileName);
  const content = JSON.stringify({ owner, startedAt: new Date().toISOString(), ...stack } satisfies StackFile, null, 2);
  await writeFile(`${path}.new`, `${content}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Takes the announcement back, if it is this process's. */
export async function removeStackFile(dataDirectory: string): Promise<void> {
  if ((await readStackFile(dataDirectory))?.owner.pid === process.pid) await rm(join(dataDirectory, fileName));
}
