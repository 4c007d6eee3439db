import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The TypeScript files below a folder of the repository, what is generated left out, with their text. */
export async function sourceFiles(folder: string): Promise<{ file: string; text: string }[]> {
  const entries = await readdir(folder, { recursive: true });
  const files = entries.filter((entry) => entry.endsWith(".ts") && !entry.includes("generated")).sort();
  return Promise.all(
    files.map(async (entry) => ({ file: join(folder, entry), text: await readFile(join(folder, entry), "utf8") })),
  );
}
