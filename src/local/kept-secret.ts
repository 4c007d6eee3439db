import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";

/**
 * A random secret of 128 bits in hexadecimal, kept in a file that only its owner reads: made once, the same ever after.
 * Callers hold the lock of the part that it belongs to.
 */
export async function keptSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = randomBytes(16).toString("hex");
  await writeFile(`${path}.new`, `${secret}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return secret;
}
