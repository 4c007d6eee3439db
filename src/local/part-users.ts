import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identifyProcess, isAlive, type ProcessIdentity } from "./process-identity.ts";

interface PartFolder {
  directory: string;
}

/** Where the processes that use a part are written down. */
export function usersFolder({ directory }: PartFolder): string {
  return join(directory, "users");
}

/** Writes down that this process uses the part; the caller holds its lock. Returns what takes it back. */
export async function addUser(part: PartFolder, name: string): Promise<() => Promise<void>> {
  const path = join(usersFolder(part), name);
  await writeFile(path, JSON.stringify(await identifyProcess(process.pid)), { mode: 0o600 });
  return () => rm(path, { force: true });
}

/** Whether any living process uses the part; the caller holds its lock. */
export async function hasUsers(part: PartFolder): Promise<boolean> {
  const folder = usersFolder(part);
  let used = false;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const user = await readFile(path, "utf8").then(
      (text) => JSON.parse(text) as ProcessIdentity,
      () => null,
    );
    if (user !== null && (await isAlive(user))) used = true;
    else await rm(path, { force: true });
  }
  return used;
}
