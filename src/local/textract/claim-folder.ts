import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DocketError } from "../../contract/failures.ts";
import { withLock } from "../file-lock.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "../process-identity.ts";
import { writeDurably } from "./durable-file.ts";

/**
 * Makes sure that one endpoint works on a data folder. The folder of a process that was killed is free at once.
 * @returns a function that gives the folder back
 * @throws {DocketError} `InvalidInput` when another endpoint works on it
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "owner.json");
  await withLock(join(folder, "owner.lock"), async () => {
    const left = await readFile(path, "utf8").catch(() => null);
    const owner = left === null ? null : (JSON.parse(left) as ProcessIdentity | null);
    if (owner !== null && (await isAlive(owner))) {
      throw new DocketError(
        "InvalidInput",
        `Another local Textract endpoint (process ${owner.pid}) works on ${folder}.`,
        {
          remedy: "Use that one, stop it, or name another data folder.",
        },
      );
    }
    await writeDurably(path, JSON.stringify(await identifyProcess(process.pid)));
  });
  return () => rm(path, { force: true });
}
