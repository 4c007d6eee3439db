import { rename, rm } from "node:fs/promises";
import { type JsonLines, openJsonLines } from "./json-lines.ts";

/**
 * Opens a journal as {@link openJsonLines} does. One that has grown well beyond what is still needed of it is written
 * again with that alone.
 * @param needed called when every line was handed to `onLine`
 */
export async function openCompacted(
  path: string,
  onLine: (value: unknown) => void,
  needed: () => object[],
): Promise<JsonLines> {
  const journal = await openJsonLines(path, onLine);
  const lines = needed();
  const bytes = lines.reduce<number>((sum, line) => sum + JSON.stringify(line).length + 1, 0);
  if (journal.size < 1_000_000 || journal.size < 2 * bytes) return journal;
  await journal.close();
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const rewritten = await openJsonLines(fresh, () => {});
  await Promise.all(lines.map((line) => rewritten.append(line)));
  await rewritten.close();
  await rename(fresh, path);
  return openJsonLines(path, () => {});
}
